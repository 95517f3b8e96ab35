/** PostgreSQL 15 or later, through Bun's own client: a pool for reading, a connection held for each change. */
import { sql as raw } from 'kysely'
import { ApiError, conflict, outcomeUnknown, unavailable } from '../contract/errors.ts'
import { kyselyOver } from './kysely.ts'
import { CannotOpen, TryAgain, type Engine, type Sql } from './open.ts'
import { ChangePool, NoAnswer, pause, ReadPool, type Ask } from './postgres-pool.ts'

/** Any number would do; it must only be the same in all processes. */
const MIGRATION_LOCK = 4_100_143
const TRIES = 5
const LOOK_MILLISECONDS = 5_000
const CHANNEL = 'keyhall'
/** Apart, so that however many changes wait for each other, reading goes on. */
const CONNECTIONS = { read: 10, change: 10 }
/** A process that was stopped amid a change must not hold its locks against all others. */
const BEGIN = `begin; set local idle_in_transaction_session_timeout = '5s'; set local statement_timeout = '9s';
  select pg_current_xact_id()::text as id`

export async function openPostgres(address: string): Promise<Engine> {
  const where = shown(address)
  const pool = new ReadPool(address, CONNECTIONS.read)
  const changes = new ChangePool(address, CONNECTIONS.change)
  try {
    const [row] = await pool.ask('show server_version_num')
    if (Number(row!.server_version_num) < 150_000)
      throw new CannotOpen(
        `The PostgreSQL server at ${where} is older than version 15, the oldest that Keyhall works with.`,
      )
  } catch (error) {
    await Promise.all([pool.close(), changes.close()])
    if (error instanceof CannotOpen) throw error
    throw new CannotOpen(`The PostgreSQL server at ${where} cannot be reached: ${(error as Error).message}.`)
  }

  const on = (ask: Ask): Sql =>
    kyselyOver('postgres', async (sql, parameters) => {
      try {
        const rows = await ask(sql, parameters as any[])
        return { rows: rows.map(numbers), numAffectedRows: BigInt(rows.count ?? 0) }
      } catch (error) {
        throw failure(error)
      }
    })
  const read = on(pool.ask)

  async function once<Result>(
    work: (sql: Sql) => Promise<Result>,
    committed?: (sql: Sql) => Promise<boolean>,
  ): Promise<Result> {
    const connection = await changes.take().catch((error: unknown) => {
      throw failure(error)
    })
    let transaction = ''
    let done: { result: Result } | undefined
    let lost: unknown
    try {
      const started = (await connection.ask(BEGIN)).at(-1)!
      transaction = started[0].id
      done = { result: await work(on(connection.ask)) }
      await connection.ask('commit')
      return done.result
    } catch (error) {
      lost = error
      const reason = failure(error)
      if (!isLost(reason)) await connection.ask('rollback').catch(() => {})
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
      const [row] = await pool.ask('select pg_xact_status($1::xid8) as status', [transaction])
      return row!.status !== 'in progress'
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
    listen: (heard) => pool.listen(CHANNEL, heard),
    ping: async () => {
      try {
        await pool.ask('select 1')
      } catch (error) {
        throw failure(error)
      }
    },
    close: async () => void (await Promise.all([pool.close(), changes.close()])),
    dialect: {
      text: 'text collate "C"',
      integer: 'bigint',
      bytes: 'bytea',
      strict: '',
      clustered: '',
    },
    tables: 'select tablename as name from pg_tables where schemaname = current_schema()',
    exclusively: async (work) => {
      const connection = await changes.take()
      const ask = connection.askPatiently
      try {
        await ask('begin')
        await ask('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
        await work(async (statement) => [...(await ask(statement))])
        await ask('commit')
      } catch (error) {
        await ask('rollback').catch(() => {})
        throw error
      } finally {
        await connection.release()
      }
    },
  }
}

function failure(error: unknown) {
  const { code, errno, message } = error as { code?: string; errno?: string; message?: string }
  if (error instanceof NoAnswer) return unavailable('storage_unreachable', error)
  if (!code?.startsWith('ERR_POSTGRES')) return error
  if (errno === '23505') return conflict('An object with these properties exists already.')
  if (errno === '40001' || errno === '40P01') return new TryAgain(message)
  if (errno === '53100') return unavailable('storage_full', error)
  if (errno === '25006') return unavailable('storage_unwritable', error)
  // A lock that others held for too long.
  if (errno === '57014') return unavailable('storage_busy', error)
  // No SQLSTATE means that the connection, not the statement, failed; 57P0x is a server shutting down, 53300 one that is full, 25P03
  // one that waited in vain for the rest of a change.
  if (errno === undefined || /^(08|57P|53|25P03)/.test(errno)) return unavailable('storage_unreachable', error)
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
