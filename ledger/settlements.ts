/**
 * Settles requests that were admitted, also when others took this server for dead meanwhile: then
 * most of them are settled already.
 */
import type { World } from '../world/world.ts'
import type { Accounts } from './accounts.ts'
import type { Admission, Books, Deferral } from './admission.ts'
import type { Ask } from './ask.ts'
import { newDeferred } from './deferred-rows.ts'
import type { Kept, PendingUsage } from './pending-usage.ts'
import { costOf, monthOf, type Counts, type Series } from './usage-counts.ts'

export class Settlements implements Books {
  readonly #world: World
  readonly #accounts: Accounts
  readonly #pending: PendingUsage
  /**
   * How often others took this server for dead. What was admitted before the last time is settled
   * already.
   */
  #life = 0
  /** Of each of these lives: from when on the database had not heard of a request. */
  readonly #untoldSince: number[] = []
  readonly counts = { lateSettlements: 0, boundBroken: 0 }

  constructor(world: World, accounts: Accounts, pending: PendingUsage) {
    this.#world = world
    this.#accounts = accounts
    this.#pending = pending
  }

  get life() {
    return this.#life
  }

  /** Others took this server for dead: this is what they did not settle. */
  beginLife({ begunSince, usage, deferred }: Kept) {
    this.#life++
    this.#untoldSince.push(begunSince)
    for (const { series, minute, counts } of usage)
      this.#accounts.addCost(series, monthOf(minute * 60_000), costOf(counts))
    for (const one of deferred) this.#accounts.addDeferred(one, one.month, one.amount)
  }

  end(admission: Admission, counts: Counts | null, series: Series, deferral?: Deferral) {
    const { ask, at, month, budgets, life } = admission
    const cost = counts ? costOf(counts) : 0
    if (life !== this.#life) {
      if (!this.#isUntold(admission)) return void this.counts.lateSettlements++
      if (counts) this.#pending.add(series, at, counts, 'nothing')
      if (!deferral) return this.#accounts.addCost(ask, month, cost)
      this.#pending.defer(newDeferred({ ask, month, at, deferral, told: 'nothing' }, this.#world))
      return this.#accounts.addDeferred(ask, month, ask.bound)
    }
    if (cost > ask.bound && !ask.isUnbounded) this.counts.boundBroken++
    const spent = deferral ? 'later' : cost
    budgets[0].settle(ask.bound, spent, admission.versionOfOrganization)
    budgets[1].settle(ask.bound, spent, admission.versionOfProject)
    this.#pending.end(ask.series, month, ask.bound)
    const told = this.#toldOf(admission)
    if (deferral) this.#pending.defer(newDeferred({ ask, month, at, deferral, told }, this.#world))
    if (counts) this.#pending.add(series, at, counts, told)
  }

  note(admission: Admission, series: Series, counts: Counts) {
    if (admission.life === this.#life) this.#pending.add(series, admission.at, counts, this.#toldOf(admission))
    else if (this.#isUntold(admission)) this.#pending.add(series, admission.at, counts, 'nothing')
  }

  /** What was admitted under a limit is settled or burned when this server is taken for dead. */
  #toldOf({ begun, ask }: Admission) {
    return isUnlimited(ask) ? this.#pending.toldOf(begun) : 'that they run'
  }

  /** Whether this server was taken for dead since, and nobody has settled the request. */
  #isUntold({ life, begun, ask }: Admission) {
    return isUnlimited(ask) && begun >= this.#untoldSince[life]!
  }
}

const isUnlimited = ({ limits }: Ask) => limits.organization === null && limits.project === null
