/**
 * The real command line as a process of its own, in a folder of its own, with nothing in its
 * environment but what the test gives.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program as keyhall } from '../program.ts'

export interface Ended {
  code: number
  out: string
  err: string
}

export interface Options {
  env?: Record<string, string>
  cwd?: string
  /** What to start instead of Bun with the program. */
  program?: string[]
}

const outer = { PATH: process.env.PATH!, HOME: tmpdir(), TZ: 'UTC' }

function spawn(args: string[], { env = {}, cwd = tmpdir(), program = keyhall }: Options) {
  return Bun.spawn([...program, ...args], {
    env: { ...outer, ...env },
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    // A process group of its own, as on a terminal.
    detached: true,
  })
}

/** Runs a command to its end. */
export async function run(args: string[], options: Options = {}): Promise<Ended> {
  const child = spawn(args, options)
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}

export interface Serving {
  pid: number
  url: string
  /** The first admin key; null where none was made. */
  key: string | null
  /** What was printed so far. */
  printed: () => string
  /** Waits until this is printed. Throws when the server ends without. */
  prints: (text: string) => Promise<void>
  /** To the process that was started alone, as from a supervisor. */
  signal: (name: NodeJS.Signals) => void
  /** To that process and those that it started, as from a terminal. */
  signalAll: (name: NodeJS.Signals) => void
  ended: Promise<Ended>
}

/**
 * Starts a server on a free port and answers when it listens. Throws what it printed when it does
 * not.
 */
export async function serve(database: string, args: string[] = [], options: Options = {}): Promise<Serving> {
  const home = folder()
  const keyFile = join(home.path, 'first-admin-key')
  const env = { KEYHALL_FIRST_KEY_FILE: keyFile, ...options.env }
  const child = spawn(['serve', '--port', '0', '--database', database, ...args], { ...options, env })
  let out = ''
  const err = new Response(child.stderr).text()
  let isReady = false
  let listening = () => {}
  const ready = new Promise<void>((resolve) => (listening = resolve))
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      out += chunk
      // Once is enough: what a busy server prints is long.
      if (!isReady && out.includes('Listening on')) {
        isReady = true
        listening()
      }
    }
  })()
  const ended = Promise.all([err, child.exited, reading]).then(([err, code]) => ({ code, out, err }))
  await Promise.race([ready, ended])
  const [, url] = /Listening on (http:\S+?)"/.exec(out) ?? []
  const key = existsSync(keyFile) ? readFileSync(keyFile, 'utf8').trim() : null
  home.remove()
  if (!url) throw new Error(`keyhall serve ended: ${JSON.stringify(await ended)}`)
  return {
    pid: child.pid,
    url,
    key,
    printed: () => out,
    async prints(text) {
      while (!out.includes(text)) {
        if (child.exitCode !== null) throw new Error(`keyhall serve ended with ${child.exitCode}, printing: ${out}`)
        await Bun.sleep(10)
      }
    },
    signal: (name) => child.kill(name),
    signalAll: (name) => process.kill(-child.pid, name),
    ended,
  }
}

/** A folder for one test. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'keyhall-cli-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** One sentence on standard error, and no stack. */
export function sentence({ err }: Ended): string {
  const lines = err.trimEnd().split('\n')
  const [line = ''] = lines
  if (lines.length !== 1 || !line.startsWith('keyhall: ') || !line.endsWith('.'))
    throw new Error(`not one sentence: ${err}`)
  return line.slice('keyhall: '.length)
}
