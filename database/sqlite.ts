/**
 * SQLite: one connection for reading, another for writing behind a queue. Changes that wait together are committed together, each in
 * a savepoint of its own, because with `synchronous=FULL` it is the commit that costs.
 */
import { Database as Sqlite, SQLiteError, type Statement } from 'bun:sqlite'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { conflict, unavailable } from '../contract/errors.ts'
import { kyselyOver } from './kysely.ts'
import { CannotOpen, type DatabaseOptions, type Engine, type Sql } from './open.ts'

const MOST_PER_COMMIT = 64
const BUSY_MILLISECONDS = 5_000
const LOOK_MILLISECONDS = 50

interface Waiting {
  work: (sql: Sql) => Promise<unknown>
  resolve: (result: any) => void
  reject: (error: unknown) => void
}

export function openSqlite(path: string, { onFatal }: DatabaseOptions): Engine {
  if (path === '')
    throw new CannotOpen('The database address "sqlite:" needs a path, such as "sqlite:data/keyhall.db".')
  let writer: Sqlite
  let reader: Sqlite
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite would make a file that everybody on the machine may read; what it puts beside has the mode of this one.
    closeSync(openSync(path, 'a', 0o600))
    writer = connect(path)
    reader = connect(path)
    reader.run('pragma query_only = on')
    // SQLite itself would wait for another process with the whole server standing still: `begin` waits instead.
    writer.run('pragma busy_timeout = 0')
  } catch (error) {
    throw new CannotOpen(`The SQLite database ${path} cannot be opened: ${(error as Error).message}.`)
  }

  const failure = (error: unknown) => {
    if (!(error instanceof SQLiteError)) return error
    if (error.code?.startsWith('SQLITE_CONSTRAINT_UNIQUE') || error.code?.startsWith('SQLITE_CONSTRAINT_PRIMARYKEY'))
      return conflict('An object with these properties exists already.')
    if (/^SQLITE_(IOERR|CORRUPT|NOTADB)/.test(error.code ?? '')) {
      onFatal?.(error)
      return unavailable('storage_failed', error)
    }
    if (error.code === 'SQLITE_FULL') return unavailable('storage_full', error)
    if (/^SQLITE_(READONLY|CANTOPEN)/.test(error.code ?? '')) return unavailable('storage_unwritable', error)
    if (isBusy(error)) return unavailable('storage_busy', error)
    return error
  }
  const on = (connection: Sqlite) => {
    const prepared = new Map<string, Statement>()
    const prepare = (sql: string) => {
      let statement = prepared.get(sql)
      if (!statement) {
        // bun:sqlite keeps twenty statements by itself; the list of ours is longer, and not without end.
        if (prepared.size >= 1000) prepared.clear()
        prepared.set(sql, (statement = connection.prepare(sql)))
      }
      return statement
    }
    return kyselyOver('sqlite', async (sql, parameters, rows) => {
      try {
        const statement = prepare(sql)
        if (rows) return { rows: statement.all(...(parameters as any[])) }
        return { rows: [], numAffectedRows: BigInt(statement.run(...(parameters as any[])).changes) }
      } catch (error) {
        throw failure(error)
      }
    })
  }
  const read = on(reader)
  const sql = on(writer)

  async function begin() {
    for (const until = Date.now() + BUSY_MILLISECONDS; ;) {
      try {
        return writer.run('begin immediate')
      } catch (error) {
        if (!isBusy(error) || Date.now() >= until) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 10))
    }
  }

  const queue: Waiting[] = []
  let draining: Promise<void> | null = null

  function undo() {
    try {
      if (writer.inTransaction) writer.run('rollback')
    } catch (error) {
      failure(error)
    }
  }

  async function commitTogether(batch: Waiting[]) {
    const done: (() => void)[] = []
    try {
      await begin()
      for (const { work, resolve, reject } of batch) {
        writer.run('savepoint change')
        try {
          const result = await work(sql)
          writer.run('release change')
          done.push(() => resolve(result))
        } catch (error) {
          // After some errors SQLite has rolled everything back itself: then the whole batch fails below.
          if (!writer.inTransaction) throw error
          writer.run('rollback to change')
          writer.run('release change')
          done.push(() => reject(error))
        }
      }
      writer.run('commit')
    } catch (error) {
      undo()
      const reason = failure(error)
      for (const { reject } of batch) reject(reason)
      return
    }
    for (const answer of done) answer()
  }

  async function drain() {
    do {
      // Whoever arrives in the same turn of the event loop shares the commit; and between commits others get their turn.
      await new Promise<void>((resolve) => setImmediate(resolve))
      await commitTogether(queue.splice(0, MOST_PER_COMMIT))
    } while (queue.length > 0)
    draining = null
  }

  return {
    engine: 'sqlite',
    read,
    write: (work) =>
      new Promise((resolve, reject) => {
        queue.push({ work, resolve, reject })
        draining ??= drain()
      }),
    announce: async () => {},
    // No process can call another, but each can see that somebody wrote.
    listen: async (heard) => {
      let seen: unknown
      const timer = setInterval(() => {
        try {
          const { data_version } = reader.query<{ data_version: number }, []>('pragma data_version').get()!
          if (data_version !== seen) heard()
          seen = data_version
        } catch (error) {
          failure(error)
        }
      }, LOOK_MILLISECONDS)
      timer.unref()
      return async () => clearInterval(timer)
    },
    ping: async () => {
      try {
        reader.query('select 1').get()
      } catch (error) {
        throw failure(error)
      }
    },
    close: async () => {
      await draining
      reader.close()
      writer.close()
    },
    dialect: {
      text: 'text',
      integer: 'integer',
      bytes: 'blob',
      strict: ' strict',
      clustered: ' strict, without rowid',
    },
    tables: `select name from sqlite_schema where type = 'table'`,
    exclusively: async (work) => {
      await begin()
      try {
        await work(async (statement) => writer.query(statement).all())
        writer.run('commit')
      } catch (error) {
        undo()
        throw error
      }
    },
  }
}

const isBusy = (error: unknown) => error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code ?? '')

function connect(path: string) {
  const connection = new Sqlite(path, { create: true, readwrite: true, strict: true })
  connection.run(`pragma busy_timeout = ${BUSY_MILLISECONDS}`)
  beWriteAhead(connection)
  connection.run('pragma synchronous = full')
  connection.run('pragma foreign_keys = on')
  connection.run('pragma trusted_schema = off')
  return connection
}

/**
 * Turns a new file to WAL. Of processes that do so at the same moment, SQLite refuses all but one at once instead of letting them wait, because
 * each holds what another needs; so they ask again.
 */
function beWriteAhead(connection: Sqlite) {
  for (const until = performance.now() + BUSY_MILLISECONDS; ; Bun.sleepSync(5 + Math.random() * 20)) {
    try {
      connection.run('pragma journal_mode = wal')
      return
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
    }
  }
}
