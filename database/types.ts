/** What the rest of the code knows of a database, the same for both engines. */
import type { Kysely } from 'kysely'
import type { World } from '../world/world.ts'
import type { Dialect } from './migrations/migration.ts'
import type { ProcessLocks } from './process-lock.ts'
import type { Tables } from './tables.ts'

/** What queries run on: Kysely over our tables, inside a change or outside. */
export type Sql = Kysely<Tables>

export interface Database {
  engine: 'sqlite' | 'postgres'
  /** The file, where the database is one; another connection may read it. */
  path: string | null
  /** For reading outside a change. Each statement sees what is committed. */
  read: Sql
  /**
   * Runs one change in a transaction, and resolves when it is durable. An error that `work` throws
   * rolls it back. `work` may run more than once, when the engine asks for that, so it must touch
   * nothing but the database. When the connection is lost during COMMIT, the engine itself finds
   * out whether the change was made. Throws StorageError: `unknown outcome` when that could not be
   * found out, any other fault when nothing was changed.
   */
  write<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>
  /**
   * Like `write`, but does not wait for the disk, so that a power cut may undo the change. For data
   * about running processes, which a power cut ends too.
   */
  writeUnsynced<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>
  /** Called inside a change: other processes are notified when it is committed. */
  announce(sql: Sql): Promise<void>
  /**
   * Calls back when a process announced a change. It may call without a change, or miss one.
   * Returns a function that stops it.
   */
  listen(heard: () => void): Promise<() => Promise<void>>
  /**
   * Says which processes on this database have ended; null where only the end of their leases says
   * so.
   */
  processLocks: ProcessLocks | null
  /** Throws when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Runs one statement of a migration. */
export type RunStatement = (statement: string) => Promise<unknown[]>

export interface Engine extends Database {
  dialect: Dialect
  /** Like `write`, but only one process at a time runs it. */
  exclusively(work: (run: RunStatement) => Promise<void>): Promise<void>
}

/** Migrations that were just applied, and a way to run statements beside them. */
export interface Upgrade {
  applied: readonly string[]
  run: RunStatement
  /** Bytes as a literal for a statement. */
  literal: (bytes: Uint8Array) => string
}

/**
 * To PostgreSQL, of each server: one listens, the others are for reading and for changes. Six
 * servers fit below the 100 that PostgreSQL allows by default.
 */
export const DEFAULT_CONNECTIONS = 15

export interface DatabaseOptions {
  /** Where time and chance come from; the real world by default. */
  world?: World
  /** Called when going on would risk data: on I/O errors and corruption of SQLite. */
  onFatal?: (error: Error) => void
  /**
   * The beginning of the paths of the process locks on this machine. Only PostgreSQL needs it: with
   * SQLite they lie beside the database.
   */
  locks?: string | null
  /** How many connections to PostgreSQL at most. */
  connections?: number
  /** Leave the schema as it is, and refuse one that is not the newest. */
  asItIs?: boolean
  /**
   * Runs in the transaction of the migrations, when any were applied to a database that had some:
   * for what needs the pepper.
   */
  afterMigrations?: (upgrade: Upgrade) => Promise<void>
}
