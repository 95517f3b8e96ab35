/**
 * A rate limit as one server uses it: requests take units from the grants in its memory, without
 * waiting.
 */
import {
  drop,
  extend,
  hurries,
  isUntouched,
  mayBeUsed,
  mayStay,
  needsExtension,
  newGrant,
  take,
  type Grant,
} from './rate-grant.ts'
import type { DatabaseClock } from './lease.ts'
import type { ExpectedUse } from './expected-windows.ts'
import {
  add,
  mayRest,
  momentAt,
  type ClosedGrant,
  type Given,
  type Span,
  type Standing,
  type Wish,
  type WindowReport,
} from './window-state.ts'

/** Where there was no room for a standing grant, it is asked for again after this time. */
const ASK_AGAIN_MILLISECONDS = 10_000
/**
 * How long a refusal is repeated without asking the database. After that, other servers may have
 * given back what is missing.
 */
export const REFUSAL_MILLISECONDS = 500

/** Units that a request took: where they are counted. */
export interface Taken {
  grant: Grant
  /** In slots; see `window-state.ts`. */
  moment: number
  units: number
}

export class RateWindow {
  readonly key: string
  readonly span: Span
  limit: number
  /** The number of changes of the limit. What was granted under an older limit is not used. */
  version = 0
  /** What counts against the limit without this server's grants, as of the last exchange. */
  usedByOthers = 0
  /**
   * For how long after a request this server keeps a large grant, and a little one, so that the
   * next one need not wait: 0 while other servers live.
   */
  standsFor = { half: 0, little: 0 }
  /** This server stops, and gives back what it holds. */
  isLeaving = false
  readonly #clock: DatabaseClock
  /** The newest last: only it is used. */
  #grants: Grant[] = []
  #closing: Grant[] = []
  #returned = new Map<number, number>()
  #debt = 0
  #takenSince = 0
  /** The most that one request took. */
  #largest: number
  /** Units that were refused; the times are of the steady clock. */
  #refused: { units: number; hasRoomAt: number; askAgainAt: number } | null = null
  #lastUse: number
  #lastReport = -Infinity
  /** Requests that took units and have not ended: they may give some back, or take more. */
  #running = 0
  /** Until then, by the steady clock, batches that have ended here may do that, too. */
  #correctedUntil = -Infinity

  constructor(key: string, span: Span, limit: number, clock: DatabaseClock, expected?: ExpectedUse) {
    this.key = key
    this.span = span
    this.limit = limit
    this.#clock = clock
    this.#largest = expected?.largest ?? 0
    this.#lastUse = clock.steady() - (expected?.age ?? 0)
  }

  /** Whether there are this many units in memory at this moment of the steady clock. */
  has(units: number, steady: number): boolean {
    const grant = this.#current(steady)
    return grant !== null && grant.free >= units
  }

  /** Takes units that `has` said are there at this moment. */
  take(units: number, steady: number): Taken {
    this.#running++
    return this.#takeFrom(this.#current(steady)!, units, steady)
  }

  /**
   * Called when a request that took units has ended. The true number `comesLater` of a batch: it
   * matters until the units have left the window.
   */
  requestEnded(comesLater: boolean) {
    this.#running--
    if (comesLater) this.#correctedUntil = this.#clock.steady() + this.span.slot * this.span.slots
  }

  #takeFrom(grant: Grant, units: number, steady: number): Taken {
    const moment = momentAt(this.span, this.#clock.at(steady), this.limit)
    take(grant, moment, units)
    this.#takenSince += units
    if (units > this.#largest) this.#largest = units
    this.#lastUse = steady
    return { grant, moment, units }
  }

  /** Replaces an estimate by the true number. Zero gives everything back. */
  correct(taken: Taken, units: number) {
    const more = units - taken.units
    taken.units = units
    if (more < 0) this.#giveBack(taken, -more)
    else if (more > 0) this.#takeMore(more)
  }

  #giveBack({ grant, moment }: Taken, units: number) {
    this.#refused = null
    if (grant.state === 'open') take(grant, moment, -units)
    else if (grant.state === 'closing') add(grant.returned, moment, units)
    else if (grant.state === 'closed') add(this.#returned, moment, units)
  }

  #takeMore(units: number) {
    const steady = this.#clock.steady()
    const grant = this.#clock.hasStopped(steady) ? null : this.#current(steady)
    const covered = Math.min(units, grant?.free ?? 0)
    if (grant && covered > 0) this.#takeFrom(grant, covered, steady)
    this.#debt += units - covered
  }

  /**
   * Milliseconds until there is room for these units, if they were refused a moment ago; 0 when the
   * database must be asked. `steady` is this moment.
   */
  refusedFor(units: number, steady: number): number {
    if (!this.#refused || units < this.#refused.units) return 0
    const { hasRoomAt, askAgainAt } = this.#refused
    return steady < askAgainAt ? Math.max(0, hasRoomAt - steady) : 0
  }

  /** So many units have room after this time, and sooner only if others give some back. */
  refuse(units: number, milliseconds: number) {
    const now = this.#clock.steady()
    this.#refused = { units, hasRoomAt: now + milliseconds, askAgainAt: now + REFUSAL_MILLISECONDS }
  }

  /** What is left of the limit, as far as this server knows; for the headers of an answer. */
  get remaining() {
    return Math.max(0, this.limit - this.usedByOthers - usedOf(this.#closing) - usedOf(this.#grants))
  }

  /** Changes the limit: what was granted under the old one is not used any more. */
  change(limit: number) {
    this.limit = limit
    this.dropFree()
  }

  dropFree() {
    this.version++
    this.#refused = null
    for (const grant of this.#grants) drop(grant)
  }

  /**
   * Whether so much of the newest grant is used that the next exchange should be made at once: then
   * no request has to wait for it. True once for each grant.
   */
  hurries(): boolean {
    const grant = this.#grants.at(-1)
    return grant !== undefined && hurries(grant)
  }

  /** Uses nothing more of what was granted, until more is. */
  dropGrants() {
    for (const grant of this.#grants) drop(grant)
  }

  /** Whether there is anything to report or to ask for. */
  get isActive() {
    if (this.#takenSince > 0 || this.#debt > 0 || this.#returned.size > 0 || this.#grants.length > 1) return true
    const now = this.#clock.steady()
    const grant = this.#grants.at(-1)
    const isWanted = this.#standing(now) !== 'nothing'
    if (!grant) return isWanted && now - this.#lastReport > ASK_AGAIN_MILLISECONDS
    return !isWanted || !isUntouched(grant) || needsExtension(grant, now)
  }

  /** What is to be kept while nobody asks for units. */
  #standing(now: number): Standing {
    const idle = now - this.#lastUse
    if (idle < this.standsFor.half) return 'half'
    return idle < this.standsFor.little && mayRest(this.limit, this.#largest) ? 'little' : 'nothing'
  }

  /** Whether this server holds a grant for long, which another server may need. */
  get holdsStanding() {
    return this.#grants.some(({ isStanding }) => isStanding)
  }

  /** Whether a request took units of it within this time, or it is no older. */
  isUsedWithin(milliseconds: number) {
    return this.#clock.steady() - this.#lastUse < milliseconds
  }

  /** Whether no request has used it for this long, and none that did can change what it took. */
  isIdleFor(milliseconds: number) {
    const now = this.#clock.steady()
    const mayBeCorrected = this.#running > 0 || now < this.#correctedUntil
    return !this.isActive && this.#grants.length === 0 && !mayBeCorrected && now - this.#lastUse > milliseconds
  }

  /**
   * What the next exchange reports, and how many units this server wants beside those that requests
   * wait for. The newest grant stays in use meanwhile, unless a request waits for more than it has.
   */
  report(isShort: boolean): WindowReport & Wish {
    const now = this.#clock.steady()
    const newest = this.#grants.at(-1)
    const keeps = newest && !isShort && !this.isLeaving && this.#mayKeep(newest, now) ? newest : null
    const closed: ClosedGrant[] = []
    for (const grant of this.#grants) {
      if (grant === keeps) continue
      grant.state = 'closing'
      this.#closing.push(grant)
      closed.push({ id: grant.id, used: grant.used })
    }
    this.#grants = keeps ? [keeps] : []
    const report = {
      closed,
      returned: this.#returned,
      debt: this.#debt,
      kept: keeps && { id: keeps.id, isUnused: isUntouched(keeps) },
      wanted: Math.ceil(2.5 * this.#takenSince),
      largest: this.#largest,
      standing: this.#standing(now),
    }
    this.#returned = new Map()
    this.#debt = 0
    this.#takenSince = 0
    this.#lastReport = now
    return report
  }

  #mayKeep(grant: Grant, now: number): boolean {
    if (!mayStay(grant, now)) return false
    if (!grant.isStanding) return true
    const standing = this.#standing(now)
    if (standing === 'nothing') return false
    return this.#takenSince > 0 || (isUntouched(grant) && grant.isResting === (standing === 'little'))
  }

  /**
   * Called when the database has recorded the report; `ids` are the grants that had not expired.
   */
  booked(ids: ReadonlySet<string>) {
    for (const grant of this.#closing) {
      grant.state = ids.has(grant.id) ? 'closed' : 'lost'
      if (grant.state === 'closed') for (const [moment, units] of grant.returned) add(this.#returned, moment, units)
    }
    this.#closing = []
  }

  /** Adds a grant, or extends the kept one. `asked` is when, by the steady clock. */
  granted(id: string, { amount, lifetime, added }: Given, asked: number) {
    const kept = this.#grants.at(-1)
    if (added !== null && kept) {
      extend(kept, added, asked, lifetime)
      if (added > 0) this.#refused = null
    }
    if (amount <= 0) return
    this.#refused = null
    this.#grants.push(newGrant(id, amount, asked, lifetime))
  }

  #current(steady: number): Grant | null {
    const grant = this.#grants.at(-1)
    return grant && mayBeUsed(grant, steady) ? grant : null
  }
}

function usedOf(grants: readonly Grant[]): number {
  let sum = 0
  for (const { usedInAll } of grants) sum += usedInAll
  return sum
}
