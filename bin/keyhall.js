#!/usr/bin/env node
/** The `keyhall` command: plain Node.js, which starts the command line on Bun. `--watch` before the command restarts on a change. */
import { fileURLToPath } from 'node:url'
import { runBun } from './bun.js'

const args = process.argv.slice(2)
const watch = args[0] === '--watch' ? [args.shift()] : []
runBun([...watch, fileURLToPath(new URL('../main.ts', import.meta.url)), ...args])
