/** A grant of a rate limit as the server that holds it uses it; see `window-state.ts`. */
import { GRANT_MILLISECONDS, STANDING_MILLISECONDS } from './window-state.ts'

/** Grants are not used in their last moments, to allow for clock drift: a hundredth, or more. */
const MARGIN_MILLISECONDS = 100
/** A standing grant is extended when it is valid for less than this. */
const EXTEND_MILLISECONDS = 10_000
/** One that was not extended by then is closed. */
const LAST_MILLISECONDS = 5_000
/** For a grant of one unit no exchange is made before it is due. */
const LEAST_TO_HURRY = 2
/** A grant without a successor is closed at this age, long before it expires. */
const OLD_MILLISECONDS = 900

export interface Grant {
  id: string
  amount: number
  free: number
  /** By moment, in slots (see `window-state.ts`), and in all. */
  used: Map<number, number>
  usedInAll: number
  /** When it was asked for, and until when it may be used, by the steady clock. */
  asked: number
  end: number
  /** It may be kept while nobody asks for units. */
  isStanding: boolean
  /** It is kept for requests after a long rest. */
  isResting: boolean
  /** Its successor was asked for. */
  hasHurried: boolean
  /**
   * Closing: its use is being reported. Closed: the database has recorded it. Lost: it had expired
   * before, and counts as used at another moment.
   */
  state: 'open' | 'closing' | 'closed' | 'lost'
  /** Given back while it was being closed, by moment. */
  returned: Map<number, number>
}

/** `asked` is when it was asked for, by the steady clock. */
export const newGrant = (id: string, amount: number, asked: number, lifetime: number): Grant => ({
  id,
  amount,
  free: amount,
  used: new Map(),
  usedInAll: 0,
  ...validity(asked, lifetime),
  hasHurried: false,
  state: 'open',
  returned: new Map(),
})

const validity = (asked: number, lifetime: number) => ({
  asked,
  end: asked + lifetime - Math.max(MARGIN_MILLISECONDS, lifetime / 100),
  isStanding: lifetime > GRANT_MILLISECONDS,
  isResting: lifetime > STANDING_MILLISECONDS,
})

export function extend(grant: Grant, added: number, asked: number, lifetime: number) {
  grant.amount += added
  grant.free += added
  Object.assign(grant, validity(asked, lifetime))
}

/** Takes units that are free; a negative number gives some back. */
export function take(grant: Grant, moment: number, units: number) {
  grant.free -= units
  grant.usedInAll += units
  grant.used.set(moment, (grant.used.get(moment) ?? 0) + units)
}

/** Ends its use, also of units that requests give back to it later. */
export function drop(grant: Grant) {
  grant.free = 0
  grant.end = -Infinity
}

export const mayBeUsed = ({ end }: Grant, now: number) => now < end

/** Whether nothing was ever taken of it, and all may be. */
export const isUntouched = ({ used, free }: Grant) => used.size === 0 && free > 0

export const needsExtension = ({ end }: Grant, now: number) => now > end - EXTEND_MILLISECONDS

/** Whether it may be used on while an exchange is under way, and after. */
export const mayStay = ({ free, isStanding, asked, end }: Grant, now: number) =>
  free > 0 && (isStanding ? now < end - LAST_MILLISECONDS : now < end && now - asked < OLD_MILLISECONDS)

/** Whether so much of it is used that its successor should be asked for at once. True once. */
export function hurries(grant: Grant): boolean {
  const { isStanding, hasHurried, free, amount } = grant
  if (!isStanding || hasHurried || 2 * free > amount || amount < LEAST_TO_HURRY) return false
  return (grant.hasHurried = true)
}
