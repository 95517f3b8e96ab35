/**
 * A PostgreSQL with a synchronous standby, and one address that leads to whichever of them is the
 * primary.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { cleanUpAfterUs, freePort, hydrateSymlinks, nativeFolder, unprivileged } from '../postgres.ts'

const STANDBY = 'standby'

export interface ReplicatedPostgres {
  /** Leads to the primary: the first one, and after `failOver` the second. */
  address: string
  /**
   * Kills the primary as a power cut would, makes the standby the primary, and lets the address
   * lead there.
   */
  failOver: () => Promise<void>
  /** Kills the standby: from then on no COMMIT is answered. */
  killStandby: () => Promise<void>
  stop: () => Promise<void>
}

export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const native = nativeFolder()
  hydrateSymlinks(native)
  const folder = mkdtempSync(join(tmpdir(), 'keyhall-replicated-'))
  const user = unprivileged(folder)
  cleanUpAfterUs(folder)
  const [first, second] = [await freePort(), await freePort()]
  // One folder each, as `cleanUpAfterUs` looks for them.
  const data = (name: string) => join(folder, name, 'data')
  spawnSync('mkdir', ['-p', join(folder, 'primary'), join(folder, STANDBY)], user)
  const initdb = spawnSync(
    join(native, 'bin/initdb'),
    ['-D', data('primary'), '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...user, encoding: 'utf8' },
  )
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.stderr}`)
  // A cluster that never ran may be copied as it is.
  const copied = spawnSync('cp', ['-a', data('primary'), data(STANDBY)], user)
  if (copied.status !== 0) throw new Error('the data could not be copied')
  spawnSync('touch', [join(data(STANDBY), 'standby.signal')], user)

  const start = (name: string, port: number, settings: Record<string, string>) => {
    const options = Object.entries({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: join(folder, name),
      fsync: 'off',
      max_connections: '200',
      ...settings,
    }).flatMap(([setting, value]) => ['-c', `${setting}=${value}`])
    return spawn(join(native, 'bin/postgres'), ['-D', data(name), '-p', String(port), ...options], {
      ...user,
      stdio: 'ignore',
    })
  }
  const primary = start('primary', first, { synchronous_standby_names: STANDBY })
  const standby = start(STANDBY, second, {
    primary_conninfo: `host=127.0.0.1 port=${first} user=postgres application_name=${STANDBY}`,
  })
  const direct = (port: number) => new SQL(`postgres://postgres@127.0.0.1:${port}/postgres`, { max: 1 })
  await until(direct(first), `select 1 from pg_stat_replication where sync_state = 'sync'`)
  const door = await openDoor(first)
  return {
    address: `postgres://postgres@127.0.0.1:${door.port}/postgres`,
    async failOver() {
      await kill(primary)
      door.close()
      const admin = direct(second)
      await admin.unsafe('select pg_promote()')
      await until(admin, 'select 1 where not pg_is_in_recovery()')
      door.leadTo(second)
    },
    killStandby: () => kill(standby),
    async stop() {
      door.end()
      await Promise.all([kill(primary), kill(standby)])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function kill(server: ChildProcess) {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve()
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  server.kill('SIGQUIT')
  return ended
}

async function until(sql: SQL, query: string) {
  while ((await sql.unsafe(query).catch(() => [])).length === 0) await Bun.sleep(50)
  await sql.close({ timeout: 0 })
}

/** A port that leads to another one, which can change. */
async function openDoor(first: number) {
  let target: number | null = first
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (target === null) return void client.destroy()
    const behind = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    target = null
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as { port: number }).port,
    leadTo: (port: number) => void (target = port),
    close,
    end() {
      close()
      server.close()
    },
  }
}
