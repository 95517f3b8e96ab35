/** PostgreSQL 15 or later, through Bun's own client: a pool for reading, a connection held for each change. */
import { SQL } from 'bun'
import { sql as raw } from 'kysely'
import { ApiError, conflict, outcomeUnknown, unavailable } from '../contract/errors.ts'
import { kyselyOver } from './kysely.ts'
import { CannotOpen, TryAgain, type Engine, type Sql } from './open.ts'

/** Any number would do; it must only be the same in all processes. */
const MIGRATION_LOCK = 4_100_143
const TRIES = 5
const LOOK_MILLISECONDS = 5_000
const CHANNEL = 'keyhall'

type Connection = Pick<SQL, 'unsafe'>

export async function openPostgres(address: string): Promise<Engine> {
  const where = shown(address)
  const pool = new SQL(address, { max: 20, bigint: true, connectionTimeout: 5, idleTimeout: 300 })
  try {
    const [row] = await pool.unsafe('show server_version_num')
    if (Number(row.server_version_num) < 150_000)
      throw new CannotOpen(
        `The PostgreSQL server at ${where} is older than version 15, the oldest that Keyhall works with.`,
      )
  } catch (error) {
    await pool.close()
    if (error instanceof CannotOpen) throw error
    throw new CannotOpen(`The PostgreSQL server at ${where} cannot be reached: ${(error as Error).message}.`)
  }

  const on = (connection: Connection): Sql =>
    kyselyOver('postgres', async (sql, parameters) => {
      try {
        const rows = await connection.unsafe(sql, parameters as any[])
        return { rows: rows.map(numbers), numAffectedRows: BigInt(rows.count ?? 0) }
      } catch (error) {
        throw failure(error)
      }
    })
  const read = on(pool)

  async function once<Result>(
    work: (sql: Sql) => Promise<Result>,
    committed?: (sql: Sql) => Promise<boolean>,
  ): Promise<Result> {
    const connection = await pool.reserve().catch((error: unknown) => {
      throw failure(error)
    })
    let transaction = ''
    let done: { result: Result } | undefined
    let lost: unknown
    try {
      const [, [started]] = await connection.unsafe('begin; select pg_current_xact_id()::text as id')
      transaction = started.id
      done = { result: await work(on(connection)) }
      await connection.unsafe('commit')
      return done.result
    } catch (error) {
      lost = error
      const reason = failure(error)
      if (!isLost(reason)) await connection.unsafe('rollback').catch(() => {})
      if (!isLost(reason) || !done) throw reason
    } finally {
      await connection.release()
    }
    const there = committed && (await look(transaction, committed))
    if (there === undefined) throw outcomeUnknown(lost)
    if (!there) throw failure(lost)
    return done.result
  }

  /** The answer to COMMIT never came: looks whether the change is there, once PostgreSQL is back and done with it. */
  async function look(transaction: string, committed: (sql: Sql) => Promise<boolean>): Promise<boolean | undefined> {
    for (const until = Date.now() + LOOK_MILLISECONDS; Date.now() < until; await pause(100)) {
      try {
        if (await isOver(transaction)) return await committed(read)
      } catch (error) {
        if (!isLost(failure(error))) throw error
      }
    }
    return undefined
  }

  /**
   * Whether a transaction can still commit. What became of it is not asked: after a crash its number may be another's, or one that
   * PostgreSQL has yet to give (22023).
   */
  async function isOver(transaction: string): Promise<boolean> {
    try {
      const [row] = await pool.unsafe('select pg_xact_status($1::xid8) as status', [transaction])
      return row.status !== 'in progress'
    } catch (error) {
      if ((error as { errno?: string }).errno === '22023') return true
      throw error
    }
  }

  return {
    engine: 'postgres',
    read,
    async write(work, committed) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(work, committed)
        } catch (error) {
          if (!(error instanceof TryAgain)) throw error
          if (attempt === TRIES) throw unavailable('storage_busy', error)
          await pause(Math.random() * 20 * 2 ** attempt)
        }
      }
    },
    announce: async (sql) => {
      await sql.selectNoFrom(raw`pg_notify(${CHANNEL}, '')`.as('told')).execute()
    },
    listen: async (heard) => {
      // Heard again after each reconnection: what was told meanwhile is lost, so asking is due.
      const subscription = await pool.listen(CHANNEL, heard, heard)
      return () => subscription.unlisten()
    },
    ping: async () => {
      try {
        await pool.unsafe('select 1')
      } catch (error) {
        throw failure(error)
      }
    },
    close: () => pool.close({ timeout: 5 }),
    dialect: { text: 'text collate "C"', integer: 'bigint', bytes: 'bytea', strict: '', clustered: '' },
    exclusively: async (work) => {
      const connection = await pool.reserve()
      try {
        await connection.unsafe('begin')
        await connection.unsafe('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
        await work(async (statement) => [...(await connection.unsafe(statement))])
        await connection.unsafe('commit')
      } catch (error) {
        await connection.unsafe('rollback').catch(() => {})
        throw error
      } finally {
        await connection.release()
      }
    },
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

function failure(error: unknown) {
  const { code, errno, message } = error as { code?: string; errno?: string; message?: string }
  if (!code?.startsWith('ERR_POSTGRES')) return error
  if (errno === '23505') return conflict('An object with these properties exists already.')
  if (errno === '40001' || errno === '40P01') return new TryAgain(message)
  if (errno === '53100') return unavailable('storage_full', error)
  if (errno === '25006') return unavailable('storage_unwritable', error)
  // No SQLSTATE means that the connection, not the statement, failed; 57P0x is a server shutting down, 53300 one that is full.
  if (errno === undefined || /^(08|57P|53)/.test(errno)) return unavailable('storage_unreachable', error)
  return error
}

const isLost = (error: unknown) => error instanceof ApiError && error.code === 'storage_unreachable'

/** bigint columns hold times and counters: they fit a number. */
function numbers(row: Record<string, unknown>) {
  for (const column in row) if (typeof row[column] === 'bigint') row[column] = Number(row[column])
  return row
}

/** The address without its password, for messages. */
function shown(address: string) {
  try {
    const { hostname, port, pathname } = new URL(address)
    return `${hostname}:${port || 5432}${pathname}`
  } catch {
    throw new CannotOpen(
      'The PostgreSQL address is not a URL of the form "postgres://user:password@host:5432/database".',
    )
  }
}
