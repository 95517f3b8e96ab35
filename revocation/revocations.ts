/**
 * Makes every process forget a revoked key before the answer to the revocation leaves.
 *
 * A process answers from memory only while it has a lease, which begins with each query of the
 * database. A change that invalidates cached keys counts up the epoch and writes a row per epoch in
 * its own transaction. Before it is answered, every other process has acknowledged that epoch in
 * the table `nodes`, or all leases that it could have had have ended.
 *
 * A process acknowledges an epoch only when it has applied every epoch up to it. Where one is
 * missing, it forgets everything.
 */
import { StorageError } from '../database/storage-errors.ts'
import { statement } from '../database/statement.ts'
import type { RevocationRow } from '../database/tables.ts'
import type { Database, Sql } from '../database/types.ts'
import { seconds, type World } from '../world/world.ts'
import type { Invalidation } from './invalidation.ts'
import { Nodes, pause } from './nodes.ts'
import { singleFlight } from './single-flight.ts'

const POLL_MILLISECONDS = 1_000
/** After this time a process that runs has polled, even if it got no notification. */
const SILENT_AFTER_MILLISECONDS = 1.5 * POLL_MILLISECONDS
/**
 * After this time a process that runs has usually acknowledged, so it is worth checking whether the
 * missing one has ended.
 */
const LOOK_FOR_ENDED_AFTER_MILLISECONDS = 50
const ACKNOWLEDGED_EVERY_MILLISECONDS = 20
/**
 * How many epochs stay in the table. They are counted and not timed, because the clocks of servers
 * differ.
 */
export const KEPT_EPOCHS = 10_000
/** Use 99 % of the lease, to allow for clock drift. */
const USED_OF_LEASE = 0.99

export interface RevocationOptions {
  /** How long memory may answer after the last query of the database. */
  leaseMilliseconds: number
  /**
   * Removes cached keys from memory; with null, all of them. `isRepeated` says that it is one of
   * this process, which was called before with it, after its commit.
   */
  forget: (invalidation: Invalidation | null, isRepeated: boolean) => void
  /**
   * Awaited before this process acknowledges what it has forgotten, or answers its own change: what
   * it used under what was valid before is in the database then. When it throws, it is called
   * again.
   */
  report?: () => Promise<void>
  /** Something was revoked, here or by another process, and has been applied. */
  onLearned?: () => void
  onError: (error: unknown) => void
}

/** The epoch, what others say of this process, and the longest lease of all. */
const selectState = statement((sql: Sql, params: { node_id: string }) =>
  sql
    .selectFrom('counters')
    .leftJoin('nodes', (on) => on.on('nodes.id', '=', params.node_id))
    .select(['counters.value', 'nodes.is_evicted'])
    .select((of) =>
      of
        .selectFrom('nodes')
        .select(({ fn }) => fn.max('lease_milliseconds').as('longest'))
        .as('longest'),
    )
    .where('counters.name', '=', 'revocation_epoch'),
)

export class Revocations {
  readonly #database: Database
  readonly #world: World
  readonly #options: RevocationOptions
  readonly #nodes: Nodes
  /** The last epoch that was applied here. */
  #epoch = 0
  /** The last epoch that was written to `nodes`. */
  #acknowledged = 0
  /**
   * The lease has ended when either clock says so. The steady clock is never set back, but stops
   * while the machine sleeps; the wall clock goes on then, but can be set back.
   */
  #leaseUntil = { steady: 0, wall: 0 }
  /** The longest lease of any process. */
  #longest: number
  #timer: ReturnType<typeof setInterval> | undefined
  #unlisten: () => Promise<void> = async () => {}
  #heard = Promise.withResolvers<void>()
  #stopped = false
  /** Epochs of this process that it has applied, and not read again yet. */
  readonly #own = new Set<number>()
  readonly #asking = singleFlight(() => this.#ask())
  readonly #acknowledging = singleFlight(() => this.#acknowledge())
  readonly #counting = singleFlight(() => this.#nodes.others())

  constructor(database: Database, world: World, options: RevocationOptions) {
    this.#database = database
    this.#world = world
    this.#options = options
    this.#nodes = new Nodes(database, world, options)
    this.#longest = options.leaseMilliseconds
  }

  /** The processes on this database, this one first; without those that have certainly ended. */
  async servers() {
    const others = await this.#nodes.living()
    const own = { id: this.#nodes.id, lease_milliseconds: this.#options.leaseMilliseconds }
    return [
      { ...own, current: true, up_to_date: true },
      ...others.map(({ id, lease_milliseconds, epoch }) => ({
        id,
        lease_milliseconds,
        current: false,
        up_to_date: epoch >= this.#epoch,
      })),
    ]
  }

  /** Joins the processes on this database. */
  async start() {
    await this.#nodes.start()
    await this.#register()
    // Processes that still run register again.
    void this.#nodes.evict(await this.#nodes.others())
    await this.poll()
    this.#unlisten = await this.#database.listen(() => this.#hear())
    this.#timer = setInterval(() => void this.#asking.shared().catch(this.#options.onError), POLL_MILLISECONDS)
    this.#timer.unref()
  }

  /** Leaves. Memory must not answer from then on. */
  async stop() {
    this.#stopped = true
    this.#leaseUntil = { steady: 0, wall: 0 }
    clearInterval(this.#timer)
    await this.#unlisten().catch(() => {})
    await this.#asking.shared().catch(() => {})
    await this.#nodes.stop()
  }

  /** True while memory may answer. */
  get leased() {
    return this.#world.steady() < this.#leaseUntil.steady && this.#world.now() < this.#leaseUntil.wall
  }

  /** Gets a new lease from the database. Throws StorageError when it does not answer. */
  async renew() {
    try {
      if (!this.leased) await this.#asking.shared()
      if (!this.leased) await this.poll()
    } catch (error) {
      throw new StorageError('unreachable', error)
    }
    if (!this.leased) throw new StorageError('unreachable')
  }

  /** Applies the revocations of other processes up to now. */
  poll(): Promise<void> {
    return this.#asking.fresh()
  }

  /**
   * Called inside a change: writes what it invalidates. Returns the epoch to settle, or null if
   * there is nothing.
   */
  async publish(sql: Sql, invalidations: readonly Invalidation[]): Promise<number | null> {
    if (invalidations.length === 0) return null
    const { value } = await sql
      .updateTable('counters')
      .set((row) => ({ value: row('value', '+', invalidations.length) }))
      .where('name', '=', 'revocation_epoch')
      .returning('value')
      .executeTakeFirstOrThrow()
    const created_at = seconds(this.#world)
    const first = value - invalidations.length + 1
    const rows = invalidations.map((one, index) => ({ ...toColumns(one), epoch: first + index, created_at }))
    await sql.insertInto('revocations').values(rows).execute()
    await sql
      .deleteFrom('revocations')
      .where('epoch', '<=', value - KEPT_EPOCHS)
      .execute()
    await this.#database.announce(sql)
    return value
  }

  /**
   * Called after the commit: forgets the keys here, then waits until no other process can answer
   * from older memory.
   */
  async settle(epoch: number, invalidations: readonly Invalidation[]): Promise<void> {
    for (const [n, one] of invalidations.entries()) {
      this.#options.forget(one, false)
      if (epoch > this.#epoch) this.#own.add(epoch - n)
    }
    const began = this.#world.steady()
    // When the database hangs, the answer waits no longer than the longest lease that there could
    // be, for the report and the others together.
    await Promise.race([this.#options.report?.().catch(this.#failed), pause(this.#longest, { idly: true })])
    for (let longest = this.#longest; ;) {
      const heard = this.#heard.promise
      const late = pause(began + longest - this.#world.steady(), { idly: true }).then(() => null)
      const others = await Promise.race([this.#counting.fresh().catch(this.#failed), late])
      let behind = others?.filter((node) => node.epoch < epoch)
      const waited = this.#world.steady() - began
      if (behind && waited >= LOOK_FOR_ENDED_AFTER_MILLISECONDS) behind = await this.#withoutEnded(behind)
      if (behind?.length === 0) return
      if (behind) longest = Math.max(...behind.map((node) => node.lease_milliseconds))
      if (behind && waited >= Math.min(SILENT_AFTER_MILLISECONDS, longest)) void this.#nodes.evict(behind)
      if (waited >= longest) return
      await Promise.race([heard, pause(Math.min(ACKNOWLEDGED_EVERY_MILLISECONDS, longest - waited))])
    }
  }

  readonly #failed = (error: unknown) => {
    this.#options.onError(error)
    return null
  }

  #withoutEnded(behind: Awaited<ReturnType<Nodes['others']>>) {
    return this.#nodes.removeEnded(behind).catch((error: unknown) => {
      this.#options.onError(error)
      return behind
    })
  }

  /**
   * Another process wrote something: a revocation, or an acknowledgement that `settle` waits for.
   */
  #hear() {
    this.#heard.resolve()
    this.#heard = Promise.withResolvers()
    void this.poll().catch(() => {})
  }

  async #ask(): Promise<void> {
    if (this.#stopped) throw new StorageError('stopping')
    const asked = { steady: this.#world.steady(), wall: this.#world.now() }
    const [row] = await selectState(this.#database.read, { node_id: this.#nodes.id })
    const { value, is_evicted, longest } = row!
    // Evicted: others stop waiting for this process, so it has no lease until it has registered
    // again. A lower epoch: the database was restored from a backup, and its row of this process
    // has an epoch that is yet to come.
    if (is_evicted !== 0 || value < this.#epoch) {
      await this.#register()
      return this.#ask()
    }
    if (value !== this.#epoch) await this.#learn(value)
    if (this.#acknowledged !== this.#epoch) void this.#acknowledging.fresh().catch(this.#options.onError)
    const lease = this.#options.leaseMilliseconds
    this.#longest = Math.max(lease, Number(longest))
    if (this.#stopped) return
    this.#leaseUntil = { steady: asked.steady + lease * USED_OF_LEASE, wall: asked.wall + lease * USED_OF_LEASE }
  }

  /** Applies the epochs up to `value`, and those that were added since it was read. */
  async #learn(value: number) {
    const rows = await this.#database.read
      .selectFrom('revocations')
      .selectAll()
      .where('epoch', '>', this.#epoch)
      .orderBy('epoch')
      .execute()
    const last = Math.max(value, rows.at(-1)?.epoch ?? 0)
    const isComplete = rows.length === last - this.#epoch && rows.every(({ epoch }, n) => epoch === this.#epoch + 1 + n)
    if (isComplete) for (const row of rows) this.#options.forget(fromColumns(row), this.#own.delete(row.epoch))
    else this.#options.forget(null, false)
    for (const epoch of this.#own) if (epoch <= last) this.#own.delete(epoch)
    this.#epoch = last
    this.#options.onLearned?.()
  }

  async #acknowledge() {
    const epoch = this.#epoch
    await this.#options.report?.()
    await this.#nodes.acknowledge(epoch)
    this.#acknowledged = epoch
  }

  async #register() {
    const epoch = await this.#nodes.register(this.#epoch)
    if (epoch < this.#epoch) this.#options.forget(null, false)
    this.#own.clear()
    this.#epoch = this.#acknowledged = epoch
  }
}

const toColumns = (invalidation: Invalidation) => ({
  organization_id: invalidation.organization_id,
  kind: invalidation.scope,
  id: invalidation.scope === 'organization' ? '' : invalidation.id,
})

function fromColumns({ organization_id, kind, id }: RevocationRow): Invalidation {
  return kind === 'organization' ? { organization_id, scope: kind } : { organization_id, scope: kind, id }
}
