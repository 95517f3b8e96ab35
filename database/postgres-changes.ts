/**
 * Changes to PostgreSQL: each is one transaction on a connection of its own.
 *
 * A connection can be lost after COMMIT was sent and before its answer came. So each change that
 * commits inserts a row with a random id into `commits`, in its own transaction. To find out
 * whether it was made, another connection inserts a row with the same id. PostgreSQL makes that
 * insert wait until the first transaction is over. If there is a conflict then, the change was
 * made. If there is none, it was not made and never will be.
 *
 * This also holds after a crash and after a failover, because the database that survived is asked
 * for a row that it has or has not. Transaction numbers would not do: after a failover, another
 * transaction may get the same number. The other connection writes in either case, so its own
 * COMMIT waits for a synchronous standby: a change that it reports as made is on the standby too.
 */
import { base62 } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { CannotOpen, isFault, StorageError } from './storage-errors.ts'
import { isLost, translate } from './postgres-faults.ts'
import { pause } from './postgres-client.ts'
import type { ChangePool } from './postgres-pool.ts'
import { sqlOn } from './postgres-statements.ts'
import type { RunStatement, Sql } from './types.ts'

/** Any number would do, if it is the same in all processes. */
const MIGRATION_LOCK = 4_100_143
const ATTEMPTS = 5
const MIGRATION_ATTEMPTS = 30
/** How long Keyhall tries to find out whether a lost COMMIT happened. */
const LOOK_MILLISECONDS = 7_000
const ID_LENGTH = 22
/** Longer than a transaction can take, by far. */
const KEPT_SECONDS = 600
const PRUNED_EVERY = 1_000

/** A process that was stopped amid a change must not hold its locks against all others. */
const BEGIN = `begin; set local idle_in_transaction_session_timeout = '5s'; set local statement_timeout = '9s'`
const insertCommit = (id: string, is_void: 0 | 1) =>
  `insert into commits (id, created_at, is_void) values ('${id}', extract(epoch from now())::bigint, ${is_void})`

export class PostgresChanges {
  readonly #pool: ChangePool
  readonly #world: World
  #sincePruned = PRUNED_EVERY

  constructor(pool: ChangePool, world: World) {
    this.#pool = pool
    this.#world = world
  }

  run<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#untilDone(() => this.#attempt(work))
  }

  /**
   * Resolves before the change is on disk. When the connection is lost, nobody finds out whether it
   * was made: it then counts as not made.
   */
  runUnsynced<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#untilDone(() => this.#attemptUnsynced(work))
  }

  /** Runs a change again that PostgreSQL rolled back so that another could go on. */
  async #untilDone<Result>(attemptOnce: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptOnce()
      } catch (error) {
        if (!isFault(error, 'undone')) throw error
        if (attempt === ATTEMPTS) throw new StorageError('busy', error)
        await pause(this.#world.chance() * 20 * 2 ** attempt)
      }
    }
  }

  /**
   * Runs migrations. They have no time limit, and no other process runs any meanwhile. Servers that
   * run may use the tables in another order: PostgreSQL then ends one of the two.
   */
  async exclusively(work: (run: RunStatement) => Promise<void>) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attemptMigrations(work)
      } catch (error) {
        const reason = translate(error instanceof CannotOpen ? (error.cause ?? error) : error)
        const isInTheWay = isFault(reason, 'undone') || isFault(reason, 'busy')
        if (!isInTheWay || attempt === MIGRATION_ATTEMPTS) throw error
        await pause(100 + this.#world.chance() * 400)
      }
    }
  }

  async #attemptMigrations(work: (run: RunStatement) => Promise<void>) {
    const connection = await this.#pool.take()
    const ask = connection.askPatiently
    try {
      await ask('begin')
      await ask('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
      // Everybody else waits behind a statement that waits for a table.
      await ask(`set local lock_timeout = '1s'`)
      await work(async (statement) => [...(await ask(statement))])
      await ask('commit')
    } catch (error) {
      await ask('rollback').catch(() => {})
      throw error
    } finally {
      await connection.release()
    }
  }

  async #attempt<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const id = base62(this.#world.random, ID_LENGTH)
    const connection = await this.#take()
    let made: { result: Result } | undefined
    try {
      await connection.ask(BEGIN)
      const result = await work(sqlOn(connection.ask))
      await this.#pruneCommits(connection.ask)
      made = { result }
      await connection.ask(`${insertCommit(id, 0)}; commit`)
      return result
    } catch (error) {
      const reason = translate(error)
      if (!isLost(reason)) await connection.ask('rollback').catch(() => {})
      if (!isLost(reason) || !made) throw reason
    } finally {
      await connection.release()
    }
    if (await this.#isCommitted(id)) return made.result
    throw new StorageError('unreachable')
  }

  async #attemptUnsynced<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const connection = await this.#take()
    try {
      await connection.ask(`${BEGIN}; set local synchronous_commit = off`)
      const result = await work(sqlOn(connection.ask))
      await connection.ask('commit')
      return result
    } catch (error) {
      const reason = translate(error)
      if (!isLost(reason)) await connection.ask('rollback').catch(() => {})
      throw reason
    } finally {
      await connection.release()
    }
  }

  async #take() {
    try {
      return await this.#pool.take()
    } catch (error) {
      throw translate(error)
    }
  }

  /**
   * Whether a change whose COMMIT was not answered was made, asked as soon as PostgreSQL answers
   * again. Throws when that cannot be found out in time.
   */
  async #isCommitted(id: string): Promise<boolean> {
    const { steady } = this.#world
    let last: unknown
    for (const until = steady() + LOOK_MILLISECONDS; steady() < until; await pause(100)) {
      try {
        return await this.#insertVoid(id)
      } catch (error) {
        last = translate(error)
        if (!isLost(last) && !isFault(last, 'busy')) throw last
      }
    }
    throw new StorageError('unknown outcome', last)
  }

  /**
   * Whether the row of a change is there. If not, this puts a row in its place, so that the change
   * can never be made. Waits while the change may still commit.
   */
  async #insertVoid(id: string): Promise<boolean> {
    const connection = await this.#take()
    try {
      const [, , [row]] = (await connection.ask(
        `begin; set local statement_timeout = '3s'; ${insertCommit(id, 1)}
         on conflict (id) do update set created_at = excluded.created_at returning is_void; commit`,
      )) as unknown as [unknown, unknown, { is_void: unknown }[]]
      return Number(row!.is_void) === 0
    } catch (error) {
      await connection.ask('rollback').catch(() => {})
      throw error
    } finally {
      await connection.release()
    }
  }

  /** One change of every `PRUNED_EVERY` deletes the old rows. */
  async #pruneCommits(ask: (sql: string) => Promise<unknown>) {
    if (++this.#sincePruned < PRUNED_EVERY) return
    this.#sincePruned = 0
    await ask(`delete from commits where id in (
      select id from commits where created_at < extract(epoch from now()) - ${KEPT_SECONDS} for update skip locked)`)
  }
}
