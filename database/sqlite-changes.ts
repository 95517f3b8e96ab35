/**
 * The queue of changes to a SQLite file. Changes that wait together are committed together, each in
 * a savepoint of its own, because with `synchronous=FULL` it is the commit that costs.
 */
import type { Database as Sqlite } from 'bun:sqlite'
import type { World } from '../world/world.ts'
import { isBusy, type SqliteFaults } from './sqlite-faults.ts'
import { closeConnection, sqlOn } from './sqlite-statements.ts'
import type { RunStatement, Sql } from './types.ts'

const MOST_PER_COMMIT = 64
const BUSY_MILLISECONDS = 5_000
/** How long after the last change the write-ahead log is copied into the file. */
const IDLE_MILLISECONDS = 1_000

interface QueuedChange {
  work: (sql: Sql) => Promise<unknown>
  resolve: (result: any) => void
  reject: (error: unknown) => void
}

export class SqliteChanges {
  readonly #writer: Sqlite
  readonly #sql: Sql
  readonly #faults: SqliteFaults
  readonly #world: World
  readonly #isSynced: boolean
  readonly #queue: QueuedChange[] = []
  #draining: Promise<void> | null = null
  #idle: ReturnType<typeof setTimeout> | undefined

  /** `isSynced` says whether the connection waits for the disk at a commit. */
  constructor(writer: Sqlite, faults: SqliteFaults, world: World, { isSynced = true } = {}) {
    this.#writer = writer
    this.#isSynced = isSynced
    this.#sql = sqlOn(writer, faults)
    this.#faults = faults
    this.#world = world
  }

  run<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  async exclusively(work: (run: RunStatement) => Promise<void>) {
    await this.#begin()
    try {
      await work(async (statement) => this.#writer.query(statement).all())
      this.#writer.run('commit')
    } catch (error) {
      this.#rollback()
      throw error
    }
    this.#checkpointWhenIdle()
  }

  /** Waits for the changes that are under way, and copies the write-ahead log into the file. */
  async finish() {
    await this.#draining
    clearTimeout(this.#idle)
    if (this.#isSynced) this.#checkpoint()
  }

  close() {
    closeConnection(this.#writer)
  }

  async #drain() {
    clearTimeout(this.#idle)
    do {
      // Changes that arrive in the same turn of the event loop share the commit, and other work
      // runs between commits.
      await new Promise<void>((resolve) => setImmediate(resolve))
      await this.#commitTogether(this.#queue.splice(0, MOST_PER_COMMIT))
    } while (this.#queue.length > 0)
    this.#draining = null
    this.#checkpointWhenIdle()
  }

  async #commitTogether(batch: QueuedChange[]) {
    const answers: (() => void)[] = []
    try {
      await this.#begin()
      for (const change of batch) answers.push(await this.#runInSavepoint(change))
      this.#writer.run('commit')
    } catch (error) {
      this.#rollback()
      const reason = this.#faults.translate(error)
      for (const { reject } of batch) reject(reason)
      return
    }
    for (const answer of answers) answer()
  }

  /**
   * Runs one change of a batch. Returns how to answer it once the batch is committed. Throws when
   * the whole batch has failed.
   */
  async #runInSavepoint({ work, resolve, reject }: QueuedChange): Promise<() => void> {
    this.#writer.run('savepoint change')
    try {
      const result = await work(this.#sql)
      this.#writer.run('release change')
      return () => resolve(result)
    } catch (error) {
      // After some errors SQLite has rolled back the whole transaction itself.
      if (!this.#writer.inTransaction) throw error
      this.#writer.run('rollback to change')
      this.#writer.run('release change')
      return () => reject(error)
    }
  }

  /** Begins a transaction, waiting for other processes without holding up this one. */
  async #begin() {
    const { steady, chance } = this.#world
    for (const until = steady() + BUSY_MILLISECONDS; ;) {
      try {
        return this.#writer.run('begin immediate')
      } catch (error) {
        if (!isBusy(error) || steady() >= until) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, 1 + chance() * 10))
    }
  }

  #rollback() {
    try {
      if (this.#writer.inTransaction) this.#writer.run('rollback')
    } catch (error) {
      this.#faults.translate(error)
    }
  }

  #checkpointWhenIdle() {
    clearTimeout(this.#idle)
    if (!this.#isSynced) return
    this.#idle = setTimeout(() => this.#checkpoint(), IDLE_MILLISECONDS)
    this.#idle.unref()
  }

  /**
   * Copies the write-ahead log into the file, so that a plain copy of an idle database holds nearly
   * everything. In `passive` mode it waits for nobody, and no reader or writer waits for it. The
   * log has about a thousand pages at most, because SQLite does the same by itself at a commit that
   * finds more.
   */
  #checkpoint() {
    try {
      this.#writer.run('pragma wal_checkpoint(passive)')
    } catch (error) {
      this.#faults.translate(error)
    }
  }
}
