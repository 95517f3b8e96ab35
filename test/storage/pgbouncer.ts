/** A real PgBouncer before the PostgreSQL of the tests, where it is installed. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../postgres.ts'

/** Debian puts it where only root looks. */
export const pgbouncerProgram = Bun.which('pgbouncer') ?? ['/usr/sbin/pgbouncer'].find((path) => existsSync(path))

export interface PgBouncer {
  /** The address of the database, by way of PgBouncer. */
  address: string
  stop: () => Promise<void>
}

interface Options {
  mode?: 'transaction' | 'session' | 'statement'
  connections?: number
  /** One that is free by default. */
  port?: number
}

/** `connections` is how many it makes to PostgreSQL, for however many clients. */
export async function startPgBouncer(
  address: string,
  { mode = 'transaction', connections = 4, port: wanted }: Options = {},
): Promise<PgBouncer> {
  const { hostname, port, username } = new URL(address)
  const folder = mkdtempSync(join(tmpdir(), 'keyhall-pgbouncer-'))
  const listenPort = wanted ?? (await freePort())
  const config = join(folder, 'pgbouncer.ini')
  writeFileSync(
    config,
    `[databases]
* = host=${hostname} port=${port} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${connections}
max_client_conn = 1000
query_wait_timeout = 20
`,
  )
  chmodSync(folder, 0o755)
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const server = spawn(pgbouncerProgram!, ['-q', ...user, config], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  while (!(await answers(listenPort))) {
    if (server.exitCode !== null) throw new Error(`pgbouncer ended with status ${server.exitCode}`)
    await Bun.sleep(20)
  }
  const url = new URL(address)
  url.hostname = '127.0.0.1'
  url.port = String(listenPort)
  return {
    address: url.href,
    async stop() {
      server.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
