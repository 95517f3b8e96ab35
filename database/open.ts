/** Opens a database by its address, brings its schema up to date, and hides which engine it is. */
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'
import { migrations, type Dialect } from './migrations/index.ts'

/** What queries run on: Kysely over our tables, inside a change or outside. */
export type Sql = Kysely<Tables>

export interface Database {
  engine: 'sqlite' | 'postgres'
  /** For reading outside a change. Each statement sees what is committed. */
  read: Sql
  /**
   * Runs one change in a transaction, and answers when it is durable. What it throws undoes it. Retried when the engine asks for it,
   * so it must touch nothing but the database. When the connection was lost during COMMIT, `committed` looks whether the change is there.
   * Throws 503 when nothing was changed, and `outcomeUnknown` when nobody can say.
   */
  write<Result>(work: (sql: Sql) => Promise<Result>, committed?: (sql: Sql) => Promise<boolean>): Promise<Result>
  /** Inside a change: other processes hear of it when it is committed. */
  announce(sql: Sql): Promise<void>
  /** Calls back when a process announced a change; sometimes for nothing, and sometimes not at all. Answers how to stop. */
  listen(heard: () => void): Promise<() => Promise<void>>
  /** Throws when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface Engine extends Database {
  dialect: Dialect
  /** The query for the names of the tables that there are. */
  tables: string
  /** Like `write`, and alone: no other process migrates at the same time. */
  exclusively(work: (run: (statement: string) => Promise<unknown[]>) => Promise<void>): Promise<void>
}

/** The engine undid the change so that another could go on: `Database.write` runs it again, so whoever meets this passes it on. */
export class TryAgain extends Error {}

/** A wrong address, an unreachable server, a newer schema: a sentence for the operator. */
export class CannotOpen extends Error {}

export interface DatabaseOptions {
  /** Told when storage is broken such that going on would risk data: SQLite I/O errors and corruption. */
  onFatal?: (error: Error) => void
  /** Leave the schema as it is, and refuse one that is not the newest. */
  asItIs?: boolean
}

/** Opens `sqlite:PATH` or `postgres://…` and applies the migrations that are missing, if it may. Throws CannotOpen with a sentence. */
export async function openDatabase(address: string, options: DatabaseOptions = {}): Promise<Database> {
  const engine = await openEngine(address, options)
  try {
    await migrate(engine, options)
  } catch (error) {
    await engine.close()
    throw error
  }
  return engine
}

async function openEngine(address: string, options: DatabaseOptions): Promise<Engine> {
  if (address.startsWith('sqlite:'))
    return (await import('./sqlite.ts')).openSqlite(address.slice('sqlite:'.length), options)
  if (/^postgres(ql)?:\/\//.test(address)) return (await import('./postgres.ts')).openPostgres(address)
  throw new CannotOpen('The database address must begin with "sqlite:" and a path, or with "postgres://".')
}

async function migrate(engine: Engine, { asItIs }: DatabaseOptions) {
  await engine.exclusively(async (run) => {
    const { text, integer } = engine.dialect
    const names = async (query: string) => (await run(query)).map((row) => (row as { name: string }).name)
    const applied = (await names(engine.tables)).includes('migrations')
      ? await names('select name from migrations')
      : []
    const unknown = applied.find((name) => !migrations.some((migration) => migration.name === name))
    if (unknown)
      throw new CannotOpen(
        `The database was written by a newer Keyhall (it has the migration "${unknown}", which this version does not know); start that version or a later one.`,
      )
    const missing = migrations.filter(({ name }) => !applied.includes(name))
    if (asItIs && missing.length > 0)
      throw new CannotOpen(
        applied.length === 0
          ? 'The database has no organization yet; start the server on it once.'
          : `The database was written by an older Keyhall (it lacks the migration "${missing[0]!.name}"); start the server of this version on it once.`,
      )
    if (applied.length === 0)
      await run(`create table if not exists migrations (name ${text} primary key, applied_at ${integer} not null)`)
    for (const { name, statements } of missing) {
      for (const statement of statements(engine.dialect)) await run(statement)
      await run(`insert into migrations values ('${name}', ${Math.floor(Date.now() / 1000)})`)
    }
  })
}
