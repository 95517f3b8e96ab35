/** SQLite: one connection for reading, and two for writing, each behind a queue. */
import type { Database as Sqlite } from 'bun:sqlite'
import { realWorld, type World } from '../world/world.ts'
import { CannotOpen } from './storage-errors.ts'
import { dialects } from './migrations/migration.ts'
import { ProcessLocks } from './process-lock.ts'
import { SqliteChanges } from './sqlite-changes.ts'
import { SqliteFaults } from './sqlite-faults.ts'
import { openFile } from './sqlite-file.ts'
import { closeConnection, sqlOn } from './sqlite-statements.ts'
import type { DatabaseOptions, Engine, RunStatement, Sql } from './types.ts'
import { watchCommits } from './watch-commits.ts'

/** Opens the file, and makes it if need be. Throws CannotOpen. */
export function openSqlite(path: string, { onFatal, world = realWorld }: DatabaseOptions): SqliteDatabase {
  if (path === '')
    throw new CannotOpen('The database address "sqlite:" needs a path, such as "sqlite:data/keyhall.db".')
  try {
    const { reader, writer, unsynced } = openFile(path, world)
    const faults = new SqliteFaults(onFatal)
    const changes = {
      synced: new SqliteChanges(writer, faults, world),
      unsynced: new SqliteChanges(unsynced, faults, world, { isSynced: false }),
    }
    return new SqliteDatabase(path, reader, changes, faults, world)
  } catch (error) {
    throw new CannotOpen(`The SQLite database ${path} cannot be opened: ${(error as Error).message}.`)
  }
}

export class SqliteDatabase implements Engine {
  readonly engine = 'sqlite'
  readonly dialect = dialects.sqlite
  readonly read: Sql
  readonly processLocks: ProcessLocks
  readonly path: string
  readonly #reader: Sqlite
  readonly #changes: Record<'synced' | 'unsynced', SqliteChanges>
  readonly #faults: SqliteFaults
  readonly #world: World

  constructor(
    path: string,
    reader: Sqlite,
    changes: Record<'synced' | 'unsynced', SqliteChanges>,
    faults: SqliteFaults,
    world: World,
  ) {
    this.read = sqlOn(reader, faults)
    this.processLocks = new ProcessLocks(path)
    this.path = path
    this.#reader = reader
    this.#changes = changes
    this.#faults = faults
    this.#world = world
  }

  write<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#changes.synced.run(work)
  }

  writeUnsynced<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#changes.unsynced.run(work)
  }

  exclusively(work: (run: RunStatement) => Promise<void>): Promise<void> {
    return this.#changes.synced.exclusively(work)
  }

  /** Does nothing: on SQLite each process watches the file. */
  async announce() {}

  async listen(heard: () => void) {
    const stop = watchCommits(this.path, () => this.#version(), heard, this.#world)
    return async () => stop()
  }

  /** A number that changes when another process has committed. */
  #version(): number | null {
    try {
      return this.#reader.query<{ data_version: number }, []>('pragma data_version').get()!.data_version
    } catch (error) {
      this.#faults.translate(error)
      return null
    }
  }

  async ping() {
    try {
      this.#reader.query('select 1').get()
    } catch (error) {
      throw this.#faults.translate(error)
    }
  }

  async close() {
    await this.#changes.unsynced.finish()
    await this.#changes.synced.finish()
    closeConnection(this.#reader)
    this.#changes.unsynced.close()
    this.#changes.synced.close()
  }
}
