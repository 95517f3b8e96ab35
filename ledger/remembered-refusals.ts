/**
 * Refuses requests without asking the database: like one that was refused a moment ago, or larger
 * than a limit.
 */
import type { Ask } from './ask.ts'
import type { Budget } from './budget.ts'
import { RateLimited, SpendLimited } from './refusals.ts'
import { monthAfter } from './usage-counts.ts'
import type { RateWindow } from './window.ts'

/**
 * Throws RateLimited, with the time after which all of its limits have room, and SpendLimited.
 * `now` is in milliseconds since 1970, and `steady` the same moment by the steady clock.
 */
export function rejectRefused(
  { windows: asked, bound }: Ask,
  windows: readonly RateWindow[],
  budgets: readonly Budget[],
  now: number,
  steady: number,
) {
  let longest: RateLimited | undefined
  for (let n = 0; n < windows.length; n++) {
    const window = windows[n]!
    const one = asked[n]!
    if (one.units > one.limit) throw new RateLimited(one, one.limit - window.remaining, null)
    const milliseconds = window.refusedFor(one.units, steady)
    if (milliseconds > (longest?.retry_milliseconds ?? 0))
      longest = new RateLimited(one, one.limit - window.remaining, milliseconds)
  }
  if (longest) throw longest
  for (let n = 0; n < budgets.length; n++) if (budgets[n]!.refuses(bound, steady)) throw spendLimited(budgets[n]!, now)
}

/** Until the month is over. */
export const spendLimited = ({ key }: Budget, now: number) =>
  new SpendLimited(key.project_id === '' ? 'organization' : 'project', monthAfter(now) - now)
