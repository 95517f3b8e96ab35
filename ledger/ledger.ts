/**
 * Admits requests under rate limits and spend limits, and counts what they use. A request is
 * admitted from memory as long as this server holds enough, and otherwise by an exchange with the
 * database (`ledger-exchange.ts`).
 */
import type { Database } from '../database/types.ts'
import type { Invalidation } from '../revocation/invalidation.ts'
import type { World } from '../world/world.ts'
import { Accounts, concernedBy, mayChangeLimits, type Sources } from './accounts.ts'
import { Admission } from './admission.ts'
import type { Ask } from './ask.ts'
import { budgetName } from './budget.ts'
import type { Arrival, Waiter } from './batch.ts'
import { EXCHANGE_MILLISECONDS, Exchanges } from './exchanges.ts'
import type { Decision } from './exchange-types.ts'
import { findInTime, type FindExpected, type Owner } from './expected-windows.ts'
import { Lease } from './lease.ts'
import { diesOften } from './past-windows.ts'
import { PendingUsage } from './pending-usage.ts'
import { LedgerUnavailable, LimitsChanged, RateLimited } from './refusals.ts'
import { rejectRefused, spendLimited } from './remembered-refusals.ts'
import { Settlements } from './settlements.ts'
import { Sweeper } from './sweeper.ts'
import { monthOf } from './usage-counts.ts'
import { REFUSAL_MILLISECONDS, type Taken } from './window.ts'

/** How long a request waits for what other servers hold, and the pause before it asks again. */
const PATIENCE_MILLISECONDS = 700
const ASK_AGAIN_MILLISECONDS = 20

interface LedgerOptions {
  onError: (error: unknown) => void
  /** Called with organizations that use more series than are kept apart: some is now `other`. */
  onMerged?: (organizations: readonly string[]) => void
  /** Finds the rate limits that requests will come under; without it, none are known before. */
  findExpected?: FindExpected
}

export class Ledger {
  readonly #database: Database
  readonly #world: World
  readonly #onError: (error: unknown) => void
  readonly #findExpected: FindExpected
  readonly #lease: Lease
  readonly #accounts: Accounts
  readonly #pending = new PendingUsage()
  readonly #settlements: Settlements
  readonly #exchanges: Exchanges
  readonly #sweeper: Sweeper
  #waiting: Waiter[] = []
  /** Cancels the next tick. */
  #stopTicking = () => {}
  /** Cancels the exchange for requests that the last one did not admit; null for none. */
  #stopRetry: (() => void) | null = null
  /** Limits may have changed since the last report. */
  #mustReport = false
  #reporting = Promise.resolve()
  /** The projects whose rate limits may have changed since then; an organization has none. */
  #changed: Owner[] = []
  #waited = 0

  constructor(
    database: Database,
    world: World,
    { onError, onMerged = () => {}, findExpected = async () => [] }: LedgerOptions,
  ) {
    this.#database = database
    this.#world = world
    this.#onError = onError
    this.#findExpected = findInTime(findExpected, world, onError)
    this.#lease = new Lease(database, world)
    this.#accounts = new Accounts(this.#lease.clock)
    this.#settlements = new Settlements(world, this.#accounts, this.#pending)
    this.#sweeper = new Sweeper(database, world, { isSelf: (id) => id === this.#lease.server_id, onError })
    this.#exchanges = new Exchanges({
      database,
      world,
      lease: this.#lease,
      accounts: this.#accounts,
      findExpected: this.#findExpected,
      pending: this.#pending,
      takeWaiters: () => this.#takeWaiters(),
      takeLate: (canJoin) => this.#takeLate(canJoin),
      hasWaiters: () => this.#waiting.length > 0,
      isAwaited: () => this.#waiting.length > 0 && !this.#stopRetry,
      answer: (...answered) => this.#answer(...answered),
      giveUp: (waiters, error) => {
        for (const { reject } of waiters) reject(new LedgerUnavailable(error))
      },
      askAgain: (waiters) => this.#waiting.push(...waiters),
      onSwept: (kept) => this.#settlements.beginLife(kept),
      onMerged,
      onError,
    })
  }

  get counts() {
    const estimated = this.#pending.estimated + this.#sweeper.requests
    return { waited: this.#waited, estimated, ...this.#settlements.counts, ...this.#exchanges.counts }
  }

  async start() {
    await this.#lease.register()
    await this.#exchanges.begin()
    this.#tickLater()
  }

  /** Makes an exchange every half second, and looks for servers that died. */
  #tickLater() {
    this.#stopTicking = this.#world.later(EXCHANGE_MILLISECONDS, () => {
      void this.#exchanges.soon()
      void this.#sweeper.look()
      this.#tickLater()
    })
  }

  /** Reports what is left, and gives back what this server holds. */
  async stop() {
    this.#stopTicking()
    this.#stopRetry?.()
    this.#accounts.leave()
    await this.flush()
    await this.flush()
    await this.#sweeper.settled()
    if (this.#exchanges.holdsNothing) await this.#lease.leave().catch(this.#onError)
  }

  /**
   * Admits a request, at once where memory suffices. Throws RateLimited or SpendLimited, and then
   * nothing was taken; LimitsChanged when the limits must be read again; LedgerUnavailable when the
   * database cannot be reached.
   */
  admit(ask: Ask): Admission | Promise<Admission> {
    // When it arrived: its usage belongs to this minute, its money to this month.
    const at = this.#lease.now()
    const steady = this.#world.steady()
    if (ask.windows.length > 0 && this.#lease.hasSlept(at, steady)) this.#accounts.dropGrants()
    const sources = this.#accounts.sourcesOf(ask, at)
    const { windows, budgets } = sources
    rejectRefused(ask, windows, budgets, at, steady)
    if (this.#hasMoney(ask, sources, steady) && hasUnits(ask, sources, steady)) {
      budgets[0].take(ask.bound)
      budgets[1].take(ask.bound)
      this.#pending.begin(ask.series, monthOf(at), ask.bound)
      const admission = this.#admission({ ask, at, steady }, sources, this.#pending.reports)
      for (const window of windows) if (window.hurries()) queueMicrotask(() => void this.#exchanges.soon())
      return admission
    }
    this.#waited++
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, at, windows, budgets, since: steady, resolve, reject })
      queueMicrotask(() => void this.#exchanges.soon())
    })
  }

  #hasMoney({ bound, limits }: Ask, { budgets: [organization, project] }: Sources, steady: number) {
    if (limits.organization === null && limits.project === null) return true
    return this.#lease.coversMoney(steady) && organization.has(bound) && project.has(bound)
  }

  /** Called when something changed that limits may depend on; null for everything. */
  forget(change: Invalidation | null) {
    const isConcerned = concernedBy(change)
    this.#mustReport ||= mayChangeLimits(change)
    this.#changed.push(...projectOf(change))
    this.#accounts.dropFree(isConcerned)
    const concerned = this.#waiting.filter(({ ask }) => isConcerned(ask))
    this.#waiting = this.#waiting.filter(({ ask }) => !isConcerned(ask))
    for (const { reject } of concerned) reject(new LimitsChanged())
  }

  /**
   * When it resolves, what was used before the last change of limits is in the database, so that
   * the new ones count it on every server. Rejects when the database cannot be reached.
   */
  reportBefore(): Promise<void> {
    if (this.#mustReport) this.#reporting = this.#report()
    return this.#reporting
  }

  async #report() {
    const { failures } = this.#exchanges.counts
    this.#mustReport = false
    await this.#addExpected(this.#changed.splice(0))
    await this.#exchanges.flush()
    if (this.#exchanges.counts.failures === failures) return
    this.#mustReport = true
    throw new LedgerUnavailable(null)
  }

  /**
   * If no other server lives: gets some of each rate limit that the next requests of these projects
   * come under, so that they need not wait. `all` are those that had requests lately, and those
   * that were made last. Never throws.
   */
  async expect(projects: readonly Owner[] | 'all') {
    if (await this.#addExpected(projects)) await this.#exchanges.flush()
  }

  /** Whether there is anything that the next exchange asks for. */
  async #addExpected(projects: readonly Owner[] | 'all'): Promise<boolean> {
    if (!this.#accounts.isAlone || projects.length === 0) return false
    try {
      if (projects === 'all' && (await diesOften(this.#database.read, this.#lease.now()))) return false
      const found = await (projects === 'all'
        ? this.#findExpected(this.#accounts.owners, 'newest')
        : this.#findExpected(projects, null))
      this.#accounts.expect(found)
      return found.length > 0
    } catch (error) {
      this.#onError(error)
      return false
    }
  }

  /**
   * When it resolves, everything from before the call is in the database, if that can be reached.
   */
  flush(): Promise<void> {
    return this.#exchanges.flush()
  }

  /** Whether the request that waits for the result with this id may not be written yet. */
  defers(result_id: string): boolean {
    return this.#pending.defers(result_id) || this.#exchanges.defers(result_id)
  }

  /**
   * Makes the admission, and takes its units. The money is taken already. `steady` is this moment
   * by the steady clock; `begun` is the number of the report that says first that it runs.
   */
  #admission({ ask, at, steady }: Arrival, sources: Sources, begun: number): Admission {
    const { windows } = sources
    const taken: Taken[] = []
    for (let n = 0; n < windows.length; n++) taken.push(windows[n]!.take(ask.windows[n]!.units, steady))
    const month = monthOf(at)
    const { life } = this.#settlements
    return new Admission({ ask, at, month, sources, taken, life, begun }, this.#settlements)
  }

  #takeWaiters(): Waiter[] {
    this.#stopRetry?.()
    this.#stopRetry = null
    return this.#waiting.splice(0)
  }

  #takeLate(canJoin: (waiter: Waiter) => boolean): Waiter[] {
    const late = this.#waiting.filter(canJoin)
    this.#waiting = this.#waiting.filter((waiter) => !late.includes(waiter))
    return late
  }

  #answer(waiter: Waiter, decision: Decision, isOutdated: boolean, isLate: boolean) {
    const { ask, windows, budgets, reject } = waiter
    if (decision.kind === 'admitted') return this.#admitted(waiter, isOutdated)
    if (isOutdated) return reject(new LimitsChanged())
    // What this server holds itself was not given back for it.
    if (isLate) return void this.#waiting.push(waiter)
    if (decision.again && this.#world.steady() - waiter.since < PATIENCE_MILLISECONDS) {
      this.#waiting.push(waiter)
      this.#stopRetry ??= this.#world.later(ASK_AGAIN_MILLISECONDS, () => void this.#exchanges.soon())
      return
    }
    if (decision.kind === 'spend') {
      const budget = budgets.find(({ key }) => budgetName(key) === decision.name)!
      budget.refuse(ask.bound, this.#world.steady() + REFUSAL_MILLISECONDS)
      return reject(spendLimited(budget, this.#lease.now()))
    }
    const n = windows.findIndex(({ key }) => key === decision.name)
    if (decision.retry_milliseconds !== null) windows[n]!.refuse(ask.windows[n]!.units, decision.retry_milliseconds)
    reject(new RateLimited(ask.windows[n]!, decision.used, decision.retry_milliseconds))
  }

  #admitted({ resolve, reject, ask, at, windows, budgets }: Waiter, isOutdated: boolean) {
    const sources = { windows, budgets }
    for (const budget of budgets) budget.admitted(ask.bound)
    this.#pending.beginTold(ask.series, monthOf(at), ask.bound)
    const steady = this.#world.steady()
    const hasSlept = windows.length > 0 && this.#lease.clock.hasStopped(steady)
    if (!isOutdated && !hasSlept && hasUnits(ask, sources, steady))
      return resolve(this.#admission({ ask, at, steady }, sources, this.#pending.reports - 1))
    // The limits changed meanwhile, the machine slept, or a grant expired before it came.
    for (const budget of budgets) budget.settle(ask.bound, 0, budget.version)
    this.#pending.end(ask.series, monthOf(at), ask.bound)
    reject(isOutdated ? new LimitsChanged() : new LedgerUnavailable(null))
  }
}

/** The project that a change concerns, where it concerns one. */
const projectOf = (change: Invalidation | null): Owner[] =>
  change?.scope === 'project' ? [{ organization_id: change.organization_id, project_id: change.id }] : []

/** Whether all windows have in memory what the request needs at this moment. */
function hasUnits({ windows: asked }: Ask, { windows }: Sources, steady: number): boolean {
  for (let n = 0; n < windows.length; n++) if (!windows[n]!.has(asked[n]!.units, steady)) return false
  return true
}
