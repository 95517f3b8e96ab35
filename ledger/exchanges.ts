/**
 * This server's exchanges with the database, one after another: collects what there is to report,
 * sends it, and records what comes back. When the answer to an exchange was lost, it first finds
 * out whether the exchange happened.
 */
import type { Database } from '../database/types.ts'
import { momentOf, type Moment } from '../world/moment.ts'
import type { World } from '../world/world.ts'
import { isUnder, type Accounts } from './accounts.ts'
import { batchOf, needOf, type Sent, type Waiter } from './batch.ts'
import { budgetName } from './budget.ts'
import type { Decision, Outcome } from './exchange-types.ts'
import type { FindExpected } from './expected-windows.ts'
import type { Lease } from './lease.ts'
import { exchange, register, renew, Swept } from './ledger-exchange.ts'
import { Neighbours } from './neighbours.ts'
import type { Kept, PendingUsage } from './pending-usage.ts'

export const EXCHANGE_MILLISECONDS = 500

interface Parts {
  database: Database
  world: World
  lease: Lease
  accounts: Accounts
  findExpected: FindExpected
  pending: PendingUsage
  /** Takes the requests that wait to be admitted: this exchange asks for them. */
  takeWaiters: () => Waiter[]
  /** Takes those of them that can still join an exchange under way. */
  takeLate: (canJoin: (waiter: Waiter) => boolean) => Waiter[]
  hasWaiters: () => boolean
  /** Whether a request waits for the next exchange, which is to be made at once. */
  isAwaited: () => boolean
  /** Called with the decision about each of them. `isOutdated`: its limits changed meanwhile. */
  answer: (waiter: Waiter, decision: Decision, isOutdated: boolean, isLate: boolean) => void
  /** Called with the requests of this exchange when the database cannot be reached. */
  giveUp: (waiters: readonly Waiter[], error: unknown) => void
  /** Puts requests back that were not asked for: they are in the next exchange. */
  askAgain: (waiters: readonly Waiter[]) => void
  /**
   * Called when other servers took this one for dead. What it admitted before is settled already,
   * except requests that began since so many reports, of which the database never heard: what those
   * used that ended is kept, and those whose result comes later.
   */
  onSwept: (kept: Kept) => void
  /** Called with organizations of which usage was counted as `other`. */
  onMerged: (organizations: readonly string[]) => void
  onError: (error: unknown) => void
}

export class Exchanges {
  readonly #parts: Parts
  #grants = 0
  /** An exchange that was sent and may not have happened. */
  #unsure: Sent | null = null
  #running: Promise<void> | null = null
  readonly #neighbours: Neighbours
  readonly counts = { exchanges: 0, failures: 0 }

  constructor(parts: Parts) {
    this.#parts = parts
    this.#neighbours = new Neighbours(parts)
  }

  /**
   * The first exchange asks for some of each limit that was used before the start. While another
   * server lives it asks for nothing; the lease of one that was killed is over soon.
   */
  begin(): Promise<void> {
    this.#neighbours.expectNone()
    return this.soon()
  }

  /**
   * Makes an exchange, or waits for the one under way; never throws. Requests that arrive meanwhile
   * get another one.
   */
  soon(): Promise<void> {
    this.#running ??= this.#exchange().finally(() => {
      this.#running = null
      if (this.#parts.isAwaited() || this.#neighbours.mustGiveBack) queueMicrotask(() => void this.soon())
    })
    return this.#running
  }

  /**
   * When it resolves, everything from before the call is reported, if the database can be reached.
   */
  async flush(): Promise<void> {
    await this.#running
    await this.soon()
  }

  /**
   * Whether nothing would be lost if others took this server for dead. Its lease need not be
   * renewed then.
   */
  get holdsNothing() {
    const { pending, accounts } = this.#parts
    return pending.isEmpty && pending.runs === 0 && accounts.holdNothing && this.#unsure === null
  }

  /** Whether the request that waits for the result with this id may not be written yet. */
  defers(result_id: string): boolean {
    return this.#unsure?.batch.deferred.some((one) => one.result_id === result_id) ?? false
  }

  async #exchange() {
    try {
      if (this.#unsure) await this.#learnOutcome(this.#unsure)
      if (this.#neighbours.isWaking) await this.#neighbours.wake()
      if (this.#parts.accounts.holdStanding && !this.#isDue()) await this.#neighbours.look()
      this.#neighbours.givesBack()
      if (this.#isDue()) await this.#send(null)
    } catch (error) {
      await this.#failed(error)
    }
  }

  /**
   * Sends an exchange again, or a new one. That is composed when its transaction has begun, so a
   * request that arrives while it waits for its turn is in it; one that arrives before the
   * decisions joins it if its limits are in it.
   */
  async #send(again: Sent | null) {
    const { database, world, lease } = this.#parts
    const { engine } = database
    const isNew = again?.isNew ?? (lease.isOver && this.holdsNothing && !(await lease.isRegistered()))
    if (isNew && !again) lease.rename()
    // They stay the same when the transaction runs again.
    const { server_id, seq } = lease
    this.counts.exchanges++
    let sent = again
    let at = momentOf(world)
    const outcome = await database.write(async (sql) => {
      if (isNew) await register(sql, engine, server_id)
      // Just before the database reads its clock: a transaction may wait long for its turn.
      at = momentOf(world)
      const now = await renew(sql, engine, { server_id, seq })
      // A transaction that runs again sends the same.
      const { batch } = (sent ??= this.#unsure = this.#compose(isNew))
      return await exchange(sql, engine, batch, now, () => this.#join(sent!))
    })
    this.#unsure = null
    this.#book(sent!, outcome, at)
    this.#parts.pending.happened()
    if (outcome.merged.length > 0) this.#parts.onMerged(outcome.merged)
  }

  #join(sent: Sent) {
    if (this.#unsure !== sent) return
    const { batch, waiters, asked, windows, budgets } = sent
    const late = this.#parts.takeLate(
      (waiter) =>
        waiter.windows.every((one) => windows.includes(one)) && waiter.budgets.every((one) => budgets.includes(one)),
    )
    waiters.push(...late)
    const needs = late.map((waiter) => needOf(waiter, this.#parts.pending))
    batch.needs.push(...needs)
    asked.push(...needs)
  }

  /**
   * Requests that wait are refused, because nobody can say whether there is room; what was to be
   * reported is reported in the next exchange. A server that others took for dead goes on under a
   * new name.
   */
  async #failed(error: unknown) {
    const { giveUp, askAgain, onError } = this.#parts
    const waiters = [...(this.#unsure?.waiters ?? []), ...this.#parts.takeWaiters()]
    if (this.#unsure) this.#unsure.waiters = []
    try {
      if (!(error instanceof Swept)) throw error
      await this.#startAnew()
      askAgain(waiters)
    } catch (problem) {
      this.counts.failures++
      onError(problem)
      giveUp(waiters, problem)
    }
  }

  /** Whether there is anything to report or to ask for. */
  #isDue() {
    const { lease, accounts, pending, hasWaiters } = this.#parts
    if (hasWaiters() || !pending.isEmpty) return true
    const { windows, budgets } = accounts.due(new Set())
    if (windows.length + budgets.length > 0) return true
    return lease.endsWithin(EXCHANGE_MILLISECONDS) && !this.holdsNothing
  }

  /** All that there is to report. */
  #compose(isNew: boolean): Sent {
    const { lease, accounts, pending } = this.#parts
    const waiters = this.#parts.takeWaiters()
    const awaited = new Set(waiters.flatMap(({ windows, budgets }) => [...windows, ...budgets]))
    const { windows, budgets } = accounts.due(awaited)
    const batch = batchOf(lease, ++this.#grants, { windows, budgets, waiters, awaited }, pending)
    return {
      isNew,
      waiters,
      onTime: waiters.length,
      asked: [...batch.needs],
      windows: windows.map(({ window }) => window),
      budgets,
      versions: {
        windows: windows.map(({ window }) => window.version),
        budgets: budgets.map((budget) => budget.version),
      },
      batch,
    }
  }

  /** `at` is a moment before the exchange. */
  #book({ batch, windows, budgets, versions, waiters, onTime }: Sent, outcome: Outcome, at: Moment) {
    const { lease, accounts, world } = this.#parts
    // From now on the clocks are compared with what this exchange read.
    if (lease.hasSlept(lease.now(), world.steady())) accounts.dropGrants()
    lease.renewed(batch.seq + 1, at, outcome.now)
    for (const [n, window] of windows.entries()) {
      const one = outcome.windows[n]!
      window.booked(one.booked)
      window.usedByOthers = one.used
      window.granted(one.grant, one, at.steady)
    }
    this.#neighbours.found(outcome.isAlone)
    for (const [n, budget] of budgets.entries()) {
      budget.booked(batch.budgets[n]!.report, outcome.budgets[n]!)
      if (outcome.budgets[n]!.wanted) budget.giveBack()
    }
    const isOutdated = ({ ask, windows: some, budgets: others }: Waiter) =>
      !isUnder(ask, { windows: some, budgets: others }) ||
      windows.some((one, n) => one.version !== versions.windows[n] && some.includes(one)) ||
      budgets.some((one, n) => one.version !== versions.budgets[n] && others.includes(one))
    const outdated = new Set(waiters.filter(isOutdated))
    for (const [n, waiter] of waiters.entries())
      this.#parts.answer(waiter, outcome.decisions[n]!, outdated.has(waiter), n >= onTime)
    // These were granted under limits that have changed.
    for (const [n, window] of windows.entries()) if (window.version !== versions.windows[n]) window.dropFree()
    for (const [n, budget] of budgets.entries()) if (budget.version !== versions.budgets[n]) budget.dropFree()
  }

  /** Asks whether an exchange happened whose answer was lost. Throws Swept. */
  async #learnOutcome(sent: Sent) {
    const { lease } = this.#parts
    const row = await lease.read()
    const isMissing = row === undefined && sent.isNew && (await lease.sweptAfter()) === undefined
    // It did not happen: it is sent again, without the requests that waited. If it happens after
    // this query all the same, sending it again finds another number, or that this server was added
    // already, and the next exchange comes here again.
    if (row?.seq === sent.batch.seq || isMissing) {
      this.#unsure = { ...sent, batch: { ...sent.batch, needs: [] }, waiters: [], onTime: 0 }
      return this.#send(this.#unsure)
    }
    if (row?.seq !== sent.batch.seq + 1) throw new Swept()
    const held = await lease.holdings()
    lease.seq = row.seq
    const byName = new Map(held.map((row) => [budgetName(row), row]))
    for (const budget of sent.budgets) budget.found(byName.get(budgetName(budget.key)) ?? { in_flight: 0, free: 0 })
    for (const window of sent.windows) window.booked(new Set())
    // Requests were admitted that have given up since.
    for (const { running } of sent.asked) this.#parts.pending.tellAgain(running.series, running.month)
    this.#parts.pending.happened()
    this.#unsure = null
  }

  /** Registers under a new name: what it held under the old one was settled without it. */
  async #startAnew() {
    const { lease, accounts, pending } = this.#parts
    const row = this.#unsure && (await lease.read())
    // It was not swept: the exchange whose answer is missing did happen.
    if (row && row.seq === this.#unsure!.batch.seq + 1) return
    const hasHappened = this.#unsure !== null && (await lease.sweptAfter()) === this.#unsure.batch.seq + 1
    await lease.register()
    if (hasHappened) pending.happened()
    const kept = pending.startAnew(hasHappened ? null : (this.#unsure?.batch ?? null))
    this.#unsure = null
    accounts.forgetHoldings()
    this.#parts.onSwept(kept)
  }
}
