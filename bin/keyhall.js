#!/usr/bin/env node
/** The `keyhall` command: plain Node.js, which starts the command line on Bun. `--watch` before the command restarts on a change. */
import { fileURLToPath } from 'node:url'
import { runBun } from './bun.js'

const path = (file) => fileURLToPath(new URL(file, import.meta.url))
const args = process.argv.slice(2)
const watch = args[0] === '--watch' ? ['--no-clear-screen', args.shift()] : []
// Nothing that lies in the current folder may steer the program: no .env, no bunfig.toml, no packages fetched on the way.
const alone = ['--no-env-file', '--no-install', `--config=${path('bunfig.toml')}`]
runBun([...alone, ...watch, path('../main.ts'), ...args])
