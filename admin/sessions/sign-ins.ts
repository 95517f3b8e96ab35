/**
 * Failures to sign in: counted by address, so that nobody tries without end, and written to the
 * audit log, so that somebody sees it.
 */
import { tooManySignIns } from '../../contract/session-errors.ts'
import type { CountSignIn } from '../../http/request-line.ts'
import { placeOf } from '../../world/networks.ts'
import type { World } from '../../world/world.ts'

/** Failures of one address within a minute, calls under way included. */
export const MOST_FAILURES = 10
const MINUTE = 60_000
const MOST_ADDRESSES = 10_000

/** Events that one server writes about failures: so many at once, and one more each minute. */
export const MOST_EVENTS = 20

export class SignIns {
  readonly #world: Pick<World, 'steady'>
  /** When the failures of an address happened; those that come first are the oldest. */
  readonly #failures = new Map<string, number[]>()
  #events = { left: MOST_EVENTS, at: 0 }
  #unwritten = 0

  /** Tells the metrics. */
  readonly count: CountSignIn

  constructor(world: Pick<World, 'steady'>, count: CountSignIn = () => {}) {
    this.#world = world
    this.count = count
    this.#events.at = world.steady()
  }

  /**
   * Counts a call as a failure until it has succeeded. Throws 429 for an address that has failed
   * too often. Returns what takes the failure back.
   */
  begin(ip_address: string | null, method: 'oidc' | 'unread' = 'unread'): () => void {
    const address = placeOf(ip_address)
    const now = this.#world.steady()
    const recent = (this.#failures.get(address) ?? []).filter((at) => at > now - MINUTE)
    if (recent.length >= MOST_FAILURES) {
      this.count(method, 'limited')
      throw tooManySignIns(Math.max(1, Math.ceil((recent[0]! + MINUTE - now) / 1000)))
    }
    this.#failures.delete(address)
    if (this.#failures.size >= MOST_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(address, [...recent, now])
    return () => {
      const times = this.#failures.get(address)
      // After a minute it is not among them any more.
      const at = times?.indexOf(now) ?? -1
      if (at !== -1) times!.splice(at, 1)
      if (times?.length === 0) this.#failures.delete(address)
    }
  }

  /**
   * Whether one more failure may be written to the audit log, and how many were not since the last
   * one that was: whoever guesses must not fill the audit log.
   */
  takeEvent(): { unwritten: number } | null {
    const now = this.#world.steady()
    const { left, at } = this.#events
    const available = Math.min(MOST_EVENTS, left + (now - at) / MINUTE)
    this.#events = { left: available >= 1 ? available - 1 : available, at: now }
    if (available < 1) {
      this.#unwritten++
      return null
    }
    const unwritten = this.#unwritten
    this.#unwritten = 0
    return { unwritten }
  }
}
