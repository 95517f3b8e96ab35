/**
 * How every process learns what was revoked before the answer leaves. Each process answers from memory only while it asked the database
 * not longer ago than its lease. A change that touches authority waits until every other process has said that it forgot what it must,
 * or until their leases are over.
 */
import { unavailable } from '../contract/errors.ts'
import type { Database, Sql } from '../database/open.ts'
import type { Revoked } from './authority.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { newId } from './random.ts'
import { seconds, type World } from './world.ts'

const POLL_MILLISECONDS = 1_000
/** A process that lives has polled by then, also when it was not told. */
const SILENT_AFTER_MILLISECONDS = 1.5 * POLL_MILLISECONDS
const ACKNOWLEDGED_EVERY_MILLISECONDS = 20
const KEPT_SECONDS = 3600
/** Of its lease a process uses this much: no two clocks run equally fast. */
const USED_OF_LEASE = 0.99

export interface RevocationOptions {
  /** How long memory may answer without having asked the database. */
  leaseMilliseconds: number
  /** Told what to forget; null is everything. */
  forget: (revoked: Revoked | null) => void
  onError: (error: unknown) => void
}

export class Revocations {
  readonly #database: Database
  readonly #world: World
  readonly #options: RevocationOptions
  #node = ''
  /** Everything up to here is forgotten; in storage it says so up to there. */
  #epoch = 0
  #acknowledged = 0
  /**
   * Two clocks, and whichever says that the lease is over is right: `performance.now()` is never set back but stands still in a machine that
   * sleeps, the clock on the wall does not.
   */
  #leaseUntil = { steady: 0, wall: 0 }
  /** The longest lease that any process has. */
  #longest: number
  #timer: ReturnType<typeof setInterval> | undefined
  #unlisten: () => Promise<void> = async () => {}
  readonly #reaping = new Set<string>()
  #stopped = false
  readonly #asking = oneAtATime(() => this.#ask())
  readonly #acknowledging = oneAtATime(() => this.#acknowledge())
  readonly #counting = oneAtATime(() => this.#others())

  constructor(database: Database, world: World, options: RevocationOptions) {
    this.#database = database
    this.#world = world
    this.#options = options
    this.#longest = options.leaseMilliseconds
  }

  /** Joins the processes of this database. Those that are there already and alive will say so. */
  async start() {
    await this.#register()
    const others = await this.#others()
    this.#giveUp(others.map(({ id }) => id))
    await this.poll()
    this.#unlisten = await this.#database.listen(() => void this.poll().catch(() => {}))
    this.#timer = setInterval(() => void this.#asking.join().catch(this.#options.onError), POLL_MILLISECONDS)
    this.#timer.unref()
  }

  /** Leaves; memory answers no more. */
  async stop() {
    this.#stopped = true
    this.#leaseUntil = { steady: 0, wall: 0 }
    clearInterval(this.#timer)
    await this.#unlisten().catch(() => {})
    await this.#asking.join().catch(() => {})
    await this.#database
      .write((sql) => sql.deleteFrom('nodes').where('id', '=', this.#node).execute())
      .catch(this.#options.onError)
  }

  /** True while memory may answer. */
  get leased() {
    return performance.now() < this.#leaseUntil.steady && this.#world.now() < this.#leaseUntil.wall
  }

  /** Asks the database, so that memory may answer again. Throws 503 when it does not answer. */
  async renew() {
    try {
      if (!this.leased) await this.#asking.join()
      if (!this.leased) await this.poll()
    } catch (error) {
      throw unavailable('storage_unreachable', error)
    }
    if (!this.leased) throw unavailable('storage_unreachable')
  }

  /** Asks what else is to be forgotten. */
  poll(): Promise<void> {
    return this.#asking.run()
  }

  /** Inside a change: writes down whose authority it touches. Answers the epoch to settle, null if there is nothing. */
  async publish(sql: Sql, revoked: readonly Revoked[]): Promise<number | null> {
    if (revoked.length === 0) return null
    const { value } = await sql
      .updateTable('epochs')
      .set((row) => ({ value: row('value', '+', revoked.length) }))
      .where('name', '=', 'authority')
      .returning('value')
      .executeTakeFirstOrThrow()
    const created_at = seconds(this.#world)
    const rows = revoked.map((one, index) => ({ ...one, epoch: value - revoked.length + 1 + index, created_at }))
    await sql.insertInto('revocations').values(rows).execute()
    await sql
      .deleteFrom('revocations')
      .where('created_at', '<', created_at - KEPT_SECONDS)
      .execute()
    await this.#database.announce(sql)
    return value
  }

  /** After the commit: forgets here at once, and waits until every other process has forgotten or must ask. */
  async settle(epoch: number, revoked: readonly Revoked[]): Promise<void> {
    for (const one of revoked) this.#options.forget(one)
    const began = performance.now()
    for (let longest = this.#longest; ;) {
      // A database that hangs must not hold the answer longer than the leases that it would have told of.
      const late = pause(began + longest - performance.now(), { idly: true }).then(() => null)
      const others = await Promise.race([this.#counting.run().catch(this.#failed), late])
      const behind = others?.filter((node) => node.epoch < epoch)
      if (behind?.length === 0) return
      if (behind) longest = Math.max(...behind.map((node) => node.lease_milliseconds))
      const waited = performance.now() - began
      if (behind && waited >= Math.min(SILENT_AFTER_MILLISECONDS, longest)) this.#giveUp(behind.map(({ id }) => id))
      if (waited >= longest) return
      await pause(Math.min(ACKNOWLEDGED_EVERY_MILLISECONDS, longest - waited))
    }
  }

  readonly #failed = (error: unknown) => {
    this.#options.onError(error)
    return null
  }

  async #ask(): Promise<void> {
    if (this.#stopped) throw unavailable('stopping')
    const asked = { steady: performance.now(), wall: this.#world.now() }
    const { value, is_leaving, longest } = await this.#database.read
      .selectFrom('epochs')
      .leftJoin('nodes', (on) => on.on('nodes.id', '=', this.#node))
      .select(['epochs.value', 'nodes.is_leaving'])
      .select((of) =>
        of
          .selectFrom('nodes')
          .select(({ fn }) => fn.max('lease_milliseconds').as('longest'))
          .as('longest'),
      )
      .where('epochs.name', '=', 'authority')
      .executeTakeFirstOrThrow()
    // Another process gave us up and will stop waiting for us: until it knows of us again there is no lease. Or the database was restored
    // from a backup: then it believes that we have forgotten what is yet to happen.
    if (is_leaving !== 0 || value < this.#epoch) {
      await this.#register()
      return this.#ask()
    }
    if (value !== this.#epoch) await this.#learn(value)
    if (this.#acknowledged !== this.#epoch) void this.#acknowledging.run().catch(this.#options.onError)
    const lease = this.#options.leaseMilliseconds
    this.#longest = Math.max(lease, Number(longest))
    if (this.#stopped) return
    this.#leaseUntil = { steady: asked.steady + lease * USED_OF_LEASE, wall: asked.wall + lease * USED_OF_LEASE }
  }

  async #learn(value: number) {
    const news = await this.#database.read
      .selectFrom('revocations')
      .selectAll()
      .where('epoch', '>', this.#epoch)
      .orderBy('epoch')
      .execute()
    // Rows are thrown away after an hour.
    if (news[0]?.epoch !== this.#epoch + 1) this.#options.forget(null)
    else for (const one of news) this.#options.forget(one)
    this.#epoch = news.at(-1)?.epoch ?? value
  }

  async #acknowledge() {
    const epoch = this.#epoch
    await this.#database.write((sql) => sql.updateTable('nodes').set({ epoch }).where('id', '=', this.#node).execute())
    this.#acknowledged = epoch
  }

  /** Under a new name each time: whoever gave the old one up may remove it at any time. */
  async #register() {
    const before = this.#node
    const id = newId('node_', this.#world)
    const epoch = await this.#database.write(async (sql) => {
      const { value } = await sql
        .selectFrom('epochs')
        .select('value')
        .where('name', '=', 'authority')
        .executeTakeFirstOrThrow()
      // Memory is empty at first, and later it is right up to the epoch that it was told of.
      const epoch = before === '' ? value : Math.min(value, this.#epoch)
      const node = { id, epoch, lease_milliseconds: this.#options.leaseMilliseconds, is_leaving: 0 }
      await sql.insertInto('nodes').values(node).execute()
      await sql.deleteFrom('nodes').where('id', '=', before).execute()
      return epoch
    })
    if (epoch < this.#epoch) this.#options.forget(null)
    this.#node = id
    this.#epoch = this.#acknowledged = epoch
  }

  /** The other processes, and what they have forgotten. */
  #others() {
    return this.#database.read
      .selectFrom('nodes')
      .select(['id', 'epoch', 'lease_milliseconds'])
      .where('id', '!=', this.#node)
      .execute()
  }

  /**
   * For processes that say nothing: marks them, so that one that lives after all registers anew, and removes them when any lease begun
   * before the mark is over.
   */
  #giveUp(ids: readonly string[]) {
    const fresh = ids.filter((id) => !this.#reaping.has(id))
    if (fresh.length === 0) return
    for (const id of fresh) this.#reaping.add(id)
    void (async () => {
      try {
        const marked = await this.#database.write((sql) =>
          sql
            .updateTable('nodes')
            .set({ is_leaving: 1 })
            .where('id', 'in', fresh)
            .returning('lease_milliseconds')
            .execute(),
        )
        await pause(Math.max(0, ...marked.map((node) => node.lease_milliseconds)), { idly: true })
        if (!this.#stopped)
          await this.#database.write((sql) => sql.deleteFrom('nodes').where('id', 'in', fresh).execute())
      } catch (error) {
        this.#options.onError(error)
      } finally {
        for (const id of fresh) this.#reaping.delete(id)
      }
    })()
  }
}

/** `idly` lets the process end meanwhile. */
const pause = (milliseconds: number, { idly = false } = {}) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds))
    if (idly) timer.unref()
  })
