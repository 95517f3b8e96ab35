/**
 * The money of an organization or a project in one month, as one server uses it. The server holds a
 * part of it: the most that its running requests may cost, and an amount for requests to come. Both
 * are reserved in the database before they are used. All amounts are whole nano-dollars.
 */
import type { BudgetOutcome } from './exchange-types.ts'

/** An amount is exact in a number up to $9,007,199. */
export const LARGEST_AMOUNT = Number.MAX_SAFE_INTEGER

/**
 * All servers together hold at most this part of what is left for requests to come: a hundredth.
 */
const SHARE = 100

export interface BudgetKey {
  organization_id: string
  /** Empty for the organization's own. */
  project_id: string
  /** `2026-11`, UTC. */
  month: string
}

export const budgetName = ({ organization_id, project_id, month }: BudgetKey) =>
  `${organization_id} ${project_id} ${month}`

/** What an exchange reports to the database. */
export interface BudgetReport {
  in_flight: number
  free: number
  settled: number
  /** For requests whose result comes later: the database keeps it reserved from now on. */
  deferred: number
  /** How much more this server would like to hold for requests to come. */
  wanted: number
  /** Whether a request was admitted from memory since the last exchange. */
  handedOut: boolean
}

/** The row that all servers share, without what this server holds. */
export interface SharedBudget {
  settled: number
  /** Held by all servers, for running requests and for those to come. */
  reserved: number
  /** Held by servers when they died: nobody knows whether it was spent. */
  burned: number
}

export class Budget {
  readonly key: BudgetKey
  /** Null where none is set. */
  limit: number | null = null
  /** The number of changes of the limit. What was granted under an older limit is not used. */
  version = 0
  /** Reserved for running requests. */
  #inFlight = 0
  /** Reserved for requests to come. */
  #free = 0
  /** The cost of requests that ended since the last exchange. */
  #settled = 0
  #deferred = 0
  #takenSince = 0
  /** Whether something was taken from `#free` since the last exchange. */
  #handedOut = false
  /** What this server holds, as it last reported. */
  #told = { in_flight: 0, free: 0 }
  /** The most to hold for requests to come, by the last exchange. */
  #share = 0
  /**
   * An amount that was refused, and until when to refuse it without asking, by the steady clock.
   */
  #refused: { amount: number; until: number } | null = null

  constructor(key: BudgetKey) {
    this.key = key
  }

  has(amount: number): boolean {
    return this.limit === null || this.#free >= amount
  }

  take(amount: number) {
    if (this.limit !== null) this.#free -= amount
    this.#inFlight += amount
    this.#takenSince += amount
    if (amount > 0) this.#handedOut = true
  }

  /**
   * Called when a request has ended. What it did not use is free for other requests, if the limit
   * is still the one under which it was taken (`version`): under another, only the database knows
   * whether there is room. Where its result comes later, the database holds what it may cost from
   * the next exchange on.
   */
  settle(amount: number, cost: number | 'later', version: number) {
    this.#inFlight -= amount
    if (cost === 'later') return this.handOver(amount)
    this.#settled += cost
    const unused = amount - cost
    if (unused <= 0) return
    this.#refused = null
    if (this.limit !== null && version === this.version) this.#free += unused
  }

  /** From the next exchange on, the database holds this amount by itself. */
  handOver(amount: number) {
    this.#deferred += amount
  }

  /** Whether a refusal is repeated at this moment of the steady clock. */
  refuses(amount: number, steady: number) {
    return this.#refused !== null && amount >= this.#refused.amount && steady < this.#refused.until
  }

  refuse(amount: number, until: number) {
    const least = this.#refused === null ? amount : Math.min(this.#refused.amount, amount)
    this.#refused = { amount: least, until }
  }

  /** The limit is another. */
  change(limit: number | null) {
    this.limit = limit
    this.dropFree()
  }

  /** Called when a request on another server waits for what is not used here. */
  giveBack() {
    this.#free = 0
  }

  /**
   * Stops using what is reserved for requests to come: the limit has changed, or this server has
   * lost its lease.
   */
  dropFree() {
    this.version++
    this.#free = 0
    this.#share = 0
    this.#refused = null
  }

  /** Called when the database has settled what this server had in flight. */
  forget() {
    this.dropFree()
    this.#inFlight = 0
    this.#settled = 0
    this.#deferred = 0
    this.#takenSince = 0
    this.#told = { in_flight: 0, free: 0 }
  }

  get isActive() {
    const { in_flight, free } = this.#told
    return this.#settled + this.#deferred > 0 || this.#inFlight !== in_flight || this.#free !== free || this.#free > 0
  }

  /** Whether this server holds nothing of it. */
  get isIdle() {
    return !this.isActive && this.#inFlight === 0
  }

  /**
   * What the next exchange reports. Where a request waits, nothing is kept for requests to come.
   */
  report(isShort: boolean): BudgetReport {
    const wanted = this.limit === null ? 0 : 3 * this.#takenSince
    this.#free = isShort || this.limit === null ? 0 : Math.min(this.#free, wanted, this.#share)
    const report = {
      in_flight: this.#inFlight,
      free: this.#free,
      settled: this.#settled,
      deferred: this.#deferred,
      wanted: wanted - this.#free,
      handedOut: this.#handedOut,
    }
    this.#takenSince = 0
    this.#handedOut = false
    this.#settled = 0
    this.#deferred = 0
    return report
  }

  /** Called when the database has recorded a report, and added what it admitted and granted. */
  booked({ in_flight, free }: BudgetReport, { admitted, granted, share }: BudgetOutcome) {
    this.#share = share
    this.#told = { in_flight: in_flight + admitted, free: free + granted }
    this.#free += granted
    if (granted > 0) this.#refused = null
  }

  /**
   * Called after an exchange whose outcome was not known, with what this server holds by the
   * database.
   */
  found(held: { in_flight: number; free: number }) {
    this.#told = held
  }

  /** Takes what the database has reserved for a request that has waited. */
  admitted(amount: number) {
    this.#inFlight += amount
    this.#takenSince += amount
  }

  /** What this server last reported to hold. */
  get told() {
    return this.#told
  }
}

/** The most that a server holds for requests to come; near the limit nothing. */
export const shareOf = (room: number, servers: number) => Math.max(0, Math.floor(room / (SHARE * servers)))
