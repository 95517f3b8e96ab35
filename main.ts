/**
 * The `keyhall` command, with the real world around it. The only file with side effects; the
 * server's code is loaded when it is asked for.
 */
import { constants } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { keyhall } from './cli/keyhall.ts'
import type { Terminal } from './world/terminal.ts'

/**
 * One Ctrl-C comes up to three times: from the terminal, and passed on by npm and by the launcher.
 */
const SAME_SIGNAL_MILLISECONDS = 500

const { stdout, stderr, env } = process

if (isExecutable() && process.argv[2] === 'serve' && !env.BUN_CONFIG_MAX_HTTP_REQUESTS) restartWithManyFetches()

/**
 * Started by systemd, where SIGHUP never means that a terminal was closed: a server that has
 * nothing to read again goes on.
 */
const isService = env.SYSTEMD_EXEC_PID === String(process.pid)
// A reload while the server starts would end it: the files are read then anyway.
if (isService) process.on('SIGHUP', () => {})

let reload: (() => void) | undefined

const terminal: Terminal = {
  environment: env,
  now: Date.now,
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  isTerminal: stdout.isTTY === true,
  isErrTerminal: stderr.isTTY === true,
  columns: stdout.isTTY ? stdout.columns || 80 : Infinity,
  width: Bun.stringWidth,
  program: programName(),
  ...(process.stdin.isTTY && stderr.isTTY && { ask }),
  onStop,
  isWatched: process.execArgv.includes('--watch'),
  onReload: (action) => void (reload = action),
  exit: (code) => process.exit(code),
}

// Whoever reads our output may stop reading: `keyhall … | head`.
for (const stream of [stdout, stderr])
  stream.on('error', (error: { code?: string }) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const code = await keyhall(process.argv.slice(2), terminal)
// A pipe takes 64 KiB at a time. Bun calls back at once after an empty write, so the stream has to
// end.
await Promise.all([stdout, stderr].map((stream) => new Promise<void>((done) => stream.end(() => done()))))
process.exit(code)

/** Asks on standard error, so that what is printed can still go into a file. */
async function ask(question: string) {
  const asking = createInterface({ input: process.stdin, output: stderr })
  asking.on('SIGINT', () => process.exit(128 + constants.signals.SIGINT))
  const ended = new Promise<null>((resolve) => asking.on('close', () => resolve(null)))
  try {
    return await Promise.race([asking.question(question), ended])
  } finally {
    asking.close()
  }
}

function onStop(stop: () => void) {
  let first: { signal: NodeJS.Signals; at: number } | undefined
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (signal === 'SIGHUP' && (reload || isService)) return reload?.()
      if (!first) {
        first = { signal, at: performance.now() }
        stop()
      } else if (signal !== first.signal || performance.now() - first.at > SAME_SIGNAL_MILLISECONDS)
        process.exit(128 + constants.signals[signal])
    })
  // npm gives SIGTERM to the shell between it and us, which dies of it and passes nothing on.
  const parent = process.ppid
  if (env.npm_lifecycle_event) setInterval(() => process.ppid === parent || stop(), 500)
}

/**
 * Bun's `fetch` has 256 requests under way by default, which are too few for a server in front of
 * models. Bun reads how many it may have when it starts, so the executable starts itself again, as
 * the same process. `bin/bun.js` sets it for everybody else. Windows has no such system call.
 */
function restartWithManyFetches() {
  if (process.platform === 'win32') return
  const args = [process.argv0, ...process.argv.slice(2)]
  process.execve!(process.execPath, args, { ...env, BUN_CONFIG_MAX_HTTP_REQUESTS: '10000' })
}

/** Whether this file lies in the executable, where Bun shows it in a file system of its own. */
function isExecutable() {
  return /^(\/\$bunfs\/|[A-Z]:[/\\]~BUN[/\\])/.test(Bun.main)
}

/** How somebody who reads our output can run us again. */
function programName() {
  if (!isExecutable()) return 'npx keyhall'
  const [name] = process.argv0.split(/[/\\]/).slice(-1)
  return process.argv0.includes('/') || process.argv0.includes('\\') ? process.argv0 : name!
}
