/**
 * A rate limit as all servers share it: how many units were used in each of the last slots of time,
 * and the grants that servers hold. A grant is an amount that one server may use from memory for
 * two seconds; it is counted here before its first unit is used.
 *
 * No window of the span ever holds more than the limit: when a grant is given, all that was used
 * since `now - span`, all living grants and the new one together are at most the limit, and a unit
 * is never counted at a moment before the one at which it was used. It may be counted a little
 * later: by 1 ms for each second since its server last read the database's clock, and rounded up
 * to the next `step` under a large limit.
 *
 * Moments are stored in slots: the time divided by the slot's length. Earlier versions stored the
 * number of the slot. So a whole number is read as a slot, whose units count until the window has
 * left all of it; and earlier versions keep what is stored now for no shorter time.
 */

/** The length of a window, in slots. All in milliseconds of the database's clock. */
export interface Span {
  slot: number
  slots: number
  /** Under a large limit, units of so much time are stored together. */
  step: number
}

/** So many units in each window of this length. */
export interface Limit {
  span: Span
  limit: number
}

export const MINUTE: Span = { slot: 250, slots: 240, step: 100 }
export const DAY: Span = { slot: 600_000, slots: 144, step: 300_000 }

/** So many units are counted to the millisecond, because each of them may have its own moment. */
const MOST_APART = 240

export const GRANT_MILLISECONDS = 2_000
/**
 * A server that is alone keeps a grant for this long, and extends it while nobody asks for units.
 */
export const STANDING_MILLISECONDS = 30_000
/** After an hour without a request it keeps a little for so long, and writes that much less. */
export const RESTING_MILLISECONDS = 600_000
/** That is no more than this part of the limit: a server that is killed takes it along. */
const MOST_AT_REST = 0.05

export interface SharedGrant {
  amount: number
  /** When it expires, by the database's clock. */
  until: number
}

export interface WindowState {
  /** Units used, by their moment in slots. */
  slots: Map<number, number>
  /** By id: the server and a number of its own. */
  grants: Map<string, SharedGrant>
}

/** What a server used of a grant that it closes, by moment. */
export interface ClosedGrant {
  id: string
  used: ReadonlyMap<number, number>
}

export interface WindowReport {
  closed: readonly ClosedGrant[]
  /**
   * Units given back, at the moments of their use: a request used less than was estimated.
   */
  returned: ReadonlyMap<number, number>
  /**
   * Units used beyond what was granted: a request used more than was estimated. Later requests wait
   * for them.
   */
  debt: number
  /** The grant that stays in use. */
  kept: { id: string; isUnused: boolean } | null
}

export const emptyState = (): WindowState => ({ slots: new Map(), grants: new Map() })

/**
 * The moment of a use at this time, or a little later, in slots; never a whole number. The limit is
 * that on units of which each may have its own moment.
 */
export function momentAt({ slot, step }: Span, time: number, limit: number): number {
  const end = limit <= MOST_APART ? Math.ceil(time) : Math.ceil(time / step) * step
  return (end % slot === 0 ? end + 1 : end) / slot
}

/** From when on a window that ends there does not hold what was used at this moment, in slots. */
const leavesAt = ({ slot, slots }: Span, moment: number) =>
  Math.round(((Number.isInteger(moment) ? moment + 1 : moment) + slots) * slot)

/**
 * Removes what is older than the window. A grant that expires unreported counts as used, all of it,
 * at its end.
 */
export function expire({ slots, grants }: WindowState, { span, limit }: Limit, now: number) {
  for (const [id, { amount, until }] of grants) {
    if (until > now) continue
    add(slots, momentAt(span, until, limit), amount)
    grants.delete(id)
  }
  for (const moment of slots.keys()) if (leavesAt(span, moment) <= now) slots.delete(moment)
}

/**
 * Records what a server reports of its grants, and returns those that had not expired. One that has
 * expired counts as used already, so its report changes nothing.
 */
export function book(
  state: WindowState,
  { span, limit }: Limit,
  now: number,
  { closed, returned, debt }: WindowReport,
): ReadonlySet<string> {
  const { slots, grants } = state
  const booked = new Set<string>()
  for (const { id, used } of closed) {
    if (!grants.delete(id)) continue
    booked.add(id)
    for (const [moment, units] of used) add(slots, moment, units)
  }
  for (const [moment, units] of returned) {
    const left = (slots.get(moment) ?? 0) - units
    if (left > 0) slots.set(moment, left)
    else slots.delete(moment)
  }
  add(slots, momentAt(span, now, limit), debt)
  return booked
}

/** What counts against the limit at this moment. Call `expire` before. */
export function usedOf({ slots, grants }: WindowState): number {
  let sum = 0
  for (const units of slots.values()) sum += units
  for (const { amount } of grants.values()) sum += amount
  return sum
}

/**
 * What other servers hold, and may give back unused. One that holds nothing but standing grants
 * does not renew its lease, so they count whether its lease is over or not.
 */
export function heldByOthers({ grants }: WindowState, server: string): number {
  let sum = 0
  for (const [id, { amount }] of grants) if (holderOf(id) !== server) sum += amount
  return sum
}

/**
 * How many servers hold grants, this one included; `kept` is its own, perhaps under another name.
 */
export function holders({ grants }: WindowState, server: string, kept: string | null = null): number {
  const servers = new Set([server])
  for (const id of grants.keys()) if (id !== kept) servers.add(holderOf(id))
  return servers.size
}

const holderOf = (grant: string) => grant.slice(0, grant.lastIndexOf(':'))

/** What a server asks for, beside what requests wait for. */
export interface Wish {
  /** For requests to come, by what came lately. */
  wanted: number
  /** The most units that one request took. */
  largest: number
  /** What should be kept while nobody asks for units, if the server is alone. */
  standing: Standing
}

/** Half of what is left, or enough for the first requests to come. */
export type Standing = 'nothing' | 'half' | 'little'

export interface Given {
  amount: number
  /** How long the new grant may be used. */
  lifetime: number
  /** How much was added to the kept grant, which may be used that long; null when it was not. */
  added: number | null
}

/**
 * Gives a grant with the id: the units that were allotted, and more for requests to come. Where
 * several servers share the window, that is at most half of this server's part of what is left. One
 * that is alone gets half of what is left of a minute, so that no request waits. If it dies, this
 * is lost for a minute, and of a day's limit it would be for a day: there it gets less, as after a
 * long rest. A kept grant of which nothing is used is extended instead.
 */
export function give(
  state: WindowState,
  { span, limit, now, id, server, kept }: Giving,
  allotted: number,
  { wanted, largest, standing }: Wish,
  isAlone: boolean,
): Given {
  const old = kept === null ? undefined : state.grants.get(kept.id)
  const room = limit - usedOf(state) - allotted
  const enough = Math.max(wanted, Math.ceil(limit / 100))
  if (!isAlone) {
    const share = Math.floor(room / 2 / holders(state, server, kept?.id))
    const more = wanted > 0 || allotted > 0 ? Math.max(0, Math.min(enough, share)) : 0
    if (allotted + more > 0) state.grants.set(id, { amount: allotted + more, until: now + GRANT_MILLISECONDS })
    return { amount: allotted + more, lifetime: GRANT_MILLISECONDS, added: null }
  }
  const isLittle = standing === 'little'
  const most = isLittle
    ? Math.max(wanted, littleOf(limit, largest))
    : span === MINUTE
      ? Infinity
      : Math.max(enough, 4 * largest)
  const lifetime = isLittle ? RESTING_MILLISECONDS : STANDING_MILLISECONDS
  const until = now + lifetime
  if (old && kept!.isUnused && allotted === 0) {
    if (room < 0) return { amount: 0, lifetime: 0, added: null }
    const added = Math.max(0, Math.min(most, Math.ceil((room + old.amount) / 2)) - old.amount)
    state.grants.set(kept!.id, { amount: old.amount + added, until })
    return { amount: 0, lifetime, added }
  }
  const more =
    wanted > 0 || allotted > 0 || standing !== 'nothing' ? Math.max(0, Math.min(most, Math.ceil(room / 2))) : 0
  if (allotted + more > 0) state.grants.set(id, { amount: allotted + more, until })
  return { amount: allotted + more, lifetime, added: null }
}

/** Enough for the first requests after a long rest. */
const littleOf = (limit: number, largest: number) => Math.max(Math.ceil(limit / 100), 2 * largest)

/** Whether that may be kept for so long. */
export const mayRest = (limit: number, largest: number) => littleOf(limit, largest) <= limit * MOST_AT_REST

/** Of a limit of a few units a day nothing is held before it was used: a kill would cost a day. */
export const mayExpect = (span: Span, limit: number, largest: number) =>
  span === MINUTE || 4 * largest <= limit * MOST_AT_REST

interface Giving extends Limit {
  now: number
  id: string
  server: string
  kept: WindowReport['kept']
}

/**
 * Milliseconds until there is room for these units, if nothing else is used meanwhile; null when
 * there never is, because they are more than the limit. A living grant counts until its end, and as
 * used from then on; `allotted` are units that become a grant now. Who holds a grant for longer
 * than 30 seconds gives it back when others need it, so it counts for no longer.
 */
export function roomIn(
  state: WindowState,
  span: Span,
  now: number,
  limit: number,
  units: number,
  allotted = 0,
): number | null {
  if (units > limit) return null
  let over = usedOf(state) + allotted + units - limit
  if (over <= 0) return 0
  const leaving = [...state.slots].map(([moment, count]) => [leavesAt(span, moment), count] as const)
  const usedAt = (time: number, count: number) => leaving.push([leavesAt(span, momentAt(span, time, limit)), count])
  for (const { amount, until } of state.grants.values()) usedAt(Math.min(until, now + STANDING_MILLISECONDS), amount)
  usedAt(now + GRANT_MILLISECONDS, allotted)
  leaving.sort(([one], [other]) => one - other)
  for (const [time, count] of leaving) {
    over -= count
    if (over <= 0) return Math.max(1, Math.ceil(time - now))
  }
  return null
}

/** The state as it is stored: one line of text. */
export const packed = ({ slots, grants }: WindowState): string =>
  JSON.stringify({
    slots: [...slots],
    grants: [...grants].map(([id, { amount, until }]) => [id, amount, until]),
  })

export function unpacked(text: string): WindowState {
  const { slots, grants } = JSON.parse(text) as {
    slots: [number, number][]
    grants: [string, number, number][]
  }
  return {
    slots: new Map(slots),
    grants: new Map(grants.map(([id, amount, until]) => [id, { amount, until }])),
  }
}

/** Adds units at a moment. */
export function add(slots: Map<number, number>, moment: number, units: number) {
  if (units > 0) slots.set(moment, (slots.get(moment) ?? 0) + units)
}
