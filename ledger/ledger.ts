/**
 * Admits requests under rate limits and spend limits, and counts what they use. A request is
 * admitted from memory as long as this server holds enough, and otherwise by an exchange with the
 * database (`ledger-exchange.ts`).
 */
import type { Database } from '../database/types.ts'
import type { Invalidation } from '../revocation/invalidation.ts'
import type { World } from '../world/world.ts'
import { Accounts, concernedBy, mayChangeLimits, type Sources } from './accounts.ts'
import { Admission, type Admitted, type Books } from './admission.ts'
import type { Ask } from './ask.ts'
import { budgetName } from './budget.ts'
import { newDeferred } from './deferred-rows.ts'
import type { Arrival, Waiter } from './batch.ts'
import { EXCHANGE_MILLISECONDS, Exchanges } from './exchanges.ts'
import type { Decision } from './exchange-types.ts'
import { Lease } from './lease.ts'
import { PendingUsage } from './pending-usage.ts'
import { LedgerUnavailable, LimitsChanged, RateLimited } from './refusals.ts'
import { rejectRefused, spendLimited } from './remembered-refusals.ts'
import { Sweeper } from './sweeper.ts'
import { costOf, monthOf } from './usage-counts.ts'
import { REFUSAL_MILLISECONDS, type Taken } from './window.ts'

/** How long a request waits for what other servers hold, and the pause before it asks again. */
const PATIENCE_MILLISECONDS = 700
const ASK_AGAIN_MILLISECONDS = 20

interface LedgerOptions {
  onError: (error: unknown) => void
  /** Called with organizations that use more series than are kept apart: some is now `other`. */
  onMerged?: (organizations: readonly string[]) => void
}

export class Ledger {
  readonly #world: World
  readonly #onError: (error: unknown) => void
  readonly #lease: Lease
  readonly #accounts: Accounts
  readonly #pending = new PendingUsage()
  readonly #exchanges: Exchanges
  readonly #sweeper: Sweeper
  #waiting: Waiter[] = []
  /**
   * How often others took this server for dead. What was admitted before the last time is settled
   * already.
   */
  #life = 0
  /** Of each of these lives: from when on the database had not heard of a request. */
  readonly #untoldSince: number[] = []
  /** Cancels the next tick. */
  #stopTicking = () => {}
  /** Cancels the exchange for requests that the last one did not admit; null for none. */
  #stopRetry: (() => void) | null = null
  /** Limits may have changed since the last report. */
  #mustReport = false
  #reporting = Promise.resolve()
  readonly #counts = { waited: 0, lateSettlements: 0, boundBroken: 0 }

  constructor(database: Database, world: World, { onError, onMerged = () => {} }: LedgerOptions) {
    this.#world = world
    this.#onError = onError
    this.#lease = new Lease(database, world)
    this.#accounts = new Accounts(this.#lease.clock)
    this.#sweeper = new Sweeper(database, world, { isSelf: (id) => id === this.#lease.server_id, onError })
    this.#exchanges = new Exchanges({
      database,
      world,
      lease: this.#lease,
      accounts: this.#accounts,
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
      onSwept: ({ begunSince, usage, deferred }) => {
        this.#life++
        this.#untoldSince.push(begunSince)
        for (const { series, minute, counts } of usage)
          this.#accounts.addCost(series, monthOf(minute * 60_000), costOf(counts))
        for (const one of deferred) this.#accounts.addDeferred(one, one.month, one.amount)
      },
      onMerged,
      onError,
    })
  }

  get counts() {
    return { ...this.#counts, ...this.#exchanges.counts }
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
    this.#counts.waited++
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, at, windows, budgets, since: steady, resolve, reject })
      queueMicrotask(() => void this.#exchanges.soon())
    })
  }

  #hasMoney({ bound }: Ask, { budgets: [organization, project] }: Sources, steady: number) {
    if (organization.limit === null && project.limit === null) return true
    return this.#lease.coversMoney(steady) && organization.has(bound) && project.has(bound)
  }

  /** Called when something changed that limits may depend on; null for everything. */
  forget(change: Invalidation | null) {
    const isConcerned = concernedBy(change)
    this.#mustReport ||= mayChangeLimits(change)
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
    await this.#exchanges.flush()
    if (this.#exchanges.counts.failures === failures) return
    this.#mustReport = true
    throw new LedgerUnavailable(null)
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
    const { windows, budgets } = sources
    const taken: Taken[] = []
    for (let n = 0; n < windows.length; n++) taken.push(windows[n]!.take(ask.windows[n]!.units, steady))
    const month = monthOf(at)
    const versions = [budgets[0].version, budgets[1].version] as const
    return new Admission({ ask, at, month, sources, taken, versions, life: this.#life, begun }, this.#books)
  }

  readonly #books: Books = {
    end: ({ admitted }, counts, series, deferral) => {
      const { ask, at, month, sources, versions, life } = admitted
      const cost = counts ? costOf(counts) : 0
      if (life !== this.#life) {
        if (!this.#isUntold(admitted)) return void this.#counts.lateSettlements++
        if (counts) this.#pending.add(series, at, counts, 'nothing')
        if (!deferral) return this.#accounts.addCost(ask, month, cost)
        this.#pending.defer(newDeferred({ ask, month, at, deferral, told: 'nothing' }, this.#world))
        return this.#accounts.addDeferred(ask, month, ask.bound)
      }
      if (cost > ask.bound && !ask.isUnbounded) this.#counts.boundBroken++
      const spent = deferral ? 'later' : cost
      sources.budgets[0].settle(ask.bound, spent, versions[0])
      sources.budgets[1].settle(ask.bound, spent, versions[1])
      this.#pending.end(ask.series, month, ask.bound)
      const told = this.#toldOf(admitted)
      if (deferral) this.#pending.defer(newDeferred({ ask, month, at, deferral, told }, this.#world))
      if (counts) this.#pending.add(series, at, counts, told)
    },
    note: ({ admitted }, series, counts) => {
      if (admitted.life === this.#life) this.#pending.add(series, admitted.at, counts, this.#toldOf(admitted))
      else if (this.#isUntold(admitted)) this.#pending.add(series, admitted.at, counts, 'nothing')
    },
  }

  /** What was admitted under a limit is settled or burned when this server is taken for dead. */
  #toldOf({ begun, ask }: Admitted) {
    return isUnlimited(ask) ? this.#pending.toldOf(begun) : 'that they run'
  }

  /** Whether this server was taken for dead since, and nobody has settled the request. */
  #isUntold({ life, begun, ask }: Admitted) {
    return isUnlimited(ask) && begun >= this.#untoldSince[life]!
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

/** Whether all windows have in memory what the request needs at this moment. */
function hasUnits({ windows: asked }: Ask, { windows }: Sources, steady: number): boolean {
  for (let n = 0; n < windows.length; n++) if (!windows[n]!.has(asked[n]!.units, steady)) return false
  return true
}

const isUnlimited = ({ limits }: Ask) => limits.organization === null && limits.project === null
