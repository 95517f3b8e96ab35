/** Finds the Bun binary of this platform in its own package, so that no install script has to run; runs it with our arguments. */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

export function bunBinary() {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  const cpu = process.arch === 'arm64' ? 'aarch64' : process.arch
  for (const libc of os === 'linux' ? ['', '-musl'] : ['']) {
    try {
      return require.resolve(`@oven/bun-${os}-${cpu}${libc}/bin/bun${os === 'windows' ? '.exe' : ''}`)
    } catch {
      // not installed for this platform: the next candidate
    }
  }
  console.error(
    `keyhall: no Bun binary for ${os}-${cpu} is installed; run "npm install" again without --omit=optional.`,
  )
  process.exit(1)
}

/**
 * Runs Bun in the foreground: same streams, same signals, same exit code. Bun's `fetch` has 256 requests under way by
 * default, and lets further ones wait, which are too few for a server in front of models: a stream can last minutes.
 */
export function runBun(args) {
  const binary = bunBinary()
  const env = { BUN_CONFIG_MAX_HTTP_REQUESTS: '10000', ...process.env }
  // Newer Node.js can become another program, which leaves no process between the terminal and Bun.
  if (process.execve && process.platform !== 'win32') process.execve(binary, [binary, ...args], env)
  const child = spawn(binary, args, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // npm gives SIGTERM to the shell between it and us, which dies of it and passes nothing on.
  const parent = process.ppid
  if (process.env.npm_lifecycle_event) {
    const watch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(watch)
      child.kill('SIGTERM')
    }, 500)
  }
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) runBun(process.argv.slice(2))
