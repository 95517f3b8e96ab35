/**
 * PostgreSQL 15 or later, through Bun's own client: connections for reading, and others of which
 * each change holds one.
 */
import type { SQL } from 'bun'
import { sql as raw } from 'kysely'
import { realWorld } from '../world/world.ts'
import { CannotOpen } from './storage-errors.ts'
import { dialects } from './migrations/migration.ts'
import { parseAddress, type PostgresAddress } from './postgres-address.ts'
import { PostgresChanges } from './postgres-changes.ts'
import { tooManyConnections, translate } from './postgres-faults.ts'
import { hasSharedConnections } from './postgres-pooler.ts'
import { openClient, type ClientOptions } from './postgres-client.ts'
import { ChangePool, ReadPool } from './postgres-pool.ts'
import { ProcessLocks } from './process-lock.ts'
import { sqlOn } from './postgres-statements.ts'
import { DEFAULT_CONNECTIONS, type DatabaseOptions, type Engine, type RunStatement, type Sql } from './types.ts'

const CHANNEL = 'keyhall'
const OLDEST_VERSION = 150_000

/** Opens the database. Throws CannotOpen. */
export async function openPostgres(
  address: string,
  { world = realWorld, locks = null, connections = DEFAULT_CONNECTIONS }: DatabaseOptions,
): Promise<PostgresDatabase> {
  const { prepare, where, ...how } = parseAddress(address)
  const isShared = await withTwo({ ...how, where }, async (two) => prepare && hasSharedConnections(two, where))
  const options: ClientOptions = { ...how, prepare: prepare && !isShared, revision: 0, world }
  return new PostgresDatabase(options, locks, connections)
}

/**
 * Whether something in between gives connections to several clients by turns. Throws CannotOpen.
 */
export function isPooled(address: string): Promise<boolean> {
  const how = parseAddress(address)
  return withTwo(how, (two) => hasSharedConnections(two, how.where))
}

/** Asks over two connections, of a version that we know. Throws CannotOpen. */
async function withTwo<Result>(
  { where, ...how }: Omit<PostgresAddress, 'prepare'>,
  work: (two: [SQL, SQL]) => Promise<Result>,
): Promise<Result> {
  const options = { ...how, prepare: false }
  // Not one of two connections: there, whoever wants the second waits for ever if it is refused.
  const [first, second] = [openClient(options, 1), openClient(options, 1)]
  try {
    const [row] = await first.unsafe('show server_version_num')
    if (Number(row.server_version_num) < OLDEST_VERSION)
      throw new CannotOpen(
        `The PostgreSQL server at ${where} is older than version 15, the oldest that Keyhall works with.`,
      )
    return await work([first, second])
  } catch (error) {
    if (error instanceof CannotOpen) throw error
    const full = tooManyConnections(error)
    if (full) throw new CannotOpen(full)
    throw new CannotOpen(`The PostgreSQL server at ${where} cannot be reached: ${(error as Error).message}.`)
  } finally {
    await Promise.all([first, second].map((one) => one.close({ timeout: 0 })))
  }
}

export class PostgresDatabase implements Engine {
  readonly engine = 'postgres'
  readonly path = null
  readonly dialect = dialects.postgres
  readonly processLocks: ProcessLocks | null
  readonly read: Sql
  readonly #reads: ReadPool
  readonly #connections: ChangePool
  readonly #changes: PostgresChanges

  /** Two pools, so that reading goes on however many changes wait for each other. */
  constructor(options: ClientOptions, locks: string | null, connections: number) {
    this.processLocks = locks === null ? null : new ProcessLocks(locks)
    this.#reads = new ReadPool(options, Math.ceil((connections - 1) / 2))
    this.#connections = new ChangePool(options, Math.floor((connections - 1) / 2))
    this.#changes = new PostgresChanges(this.#connections, options.world)
    this.read = sqlOn(this.#reads.ask)
  }

  write<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#changes.run(work)
  }

  writeUnsynced<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#changes.runUnsynced(work)
  }

  exclusively(work: (run: RunStatement) => Promise<void>): Promise<void> {
    return this.#changes.exclusively(work)
  }

  async announce(sql: Sql) {
    await sql.selectNoFrom(raw`pg_notify(${CHANNEL}, '')`.as('told')).execute()
  }

  listen(heard: () => void) {
    return this.#reads.listen(CHANNEL, heard)
  }

  async ping() {
    try {
      await this.#reads.ask('select 1')
    } catch (error) {
      throw translate(error)
    }
  }

  async close() {
    await Promise.all([this.#reads.close(), this.#connections.close()])
  }
}
