/**
 * Which answers of an upstream send a request on to the next one, and how long that upstream then
 * rests.
 *
 * An answer with such a status says that the upstream refused, so the request had no effect there.
 * Proxies answer some statuses themselves while the server behind them may still be at work: `5xx`
 * means these only for a request that may run twice.
 */
import { Type as t } from 'typebox'

const CLASS = '5xx'
/** A gateway's: bad gateway, time out, and Cloudflare's unknown error and time out. */
const ofGateways = new Set([502, 504, 520, 524])

const SHORTEST_REST = 5_000
const LONGEST_REST = 60_000

export const defaultFailOver = [401, 429, CLASS] as const

export const FailOverOn = t.Array(t.Unsafe<number | string>({ type: 'string', format: 'status' }), {
  description:
    'Statuses from 400 to 599, and `5xx` for all from 500 on: a request that is answered with one goes to the next upstream that serves its model. `5xx` means 502, 504, 520 and 524 only for a GET or HEAD, or with an idempotency-key; written as numbers they mean every request. Default `[401, 429, 5xx]`; `[]` for none.',
})

export interface FailOver {
  /** For every request. */
  always: ReadonlySet<number>
  /** For requests that may run twice. */
  ifTwiceIsOnce: ReadonlySet<number>
}

/** `written` is checked already. */
export function failOverOf(written: readonly (number | string)[]): FailOver {
  const always = new Set<number>()
  for (const one of written)
    if (one !== CLASS) always.add(Number(one))
    else for (let status = 500; status < 600; status++) if (!ofGateways.has(status)) always.add(status)
  return { always, ifTwiceIsOnce: written.includes(CLASS) ? new Set([...always, ...ofGateways]) : always }
}

/** What is wrong with one of the statuses, as the end of "must …"; null if nothing is. */
export function wrongStatus(written: unknown): string | null {
  if (written === CLASS) return null
  const isStatus = typeof written === 'number' && Number.isInteger(written) && written >= 400 && written <= 599
  return isStatus ? null : `be a status from 400 to 599, or ${CLASS}`
}

/**
 * Milliseconds for which an upstream rests that failed `failures` times in a row: twice as long
 * each time, or as long as its answer asks with `retry-after`, within bounds.
 */
export function restOf(failures: number, headers: Headers | null, now: number): number {
  const asked = headers && retryAfter(headers, now)
  const grown = SHORTEST_REST * 2 ** Math.min(failures - 1, 10)
  return Math.min(LONGEST_REST, asked === null ? grown : Math.max(1_000, asked))
}

/** Milliseconds; null where the answer names none that can be read. */
function retryAfter(headers: Headers, now: number): number | null {
  const milliseconds = headers.get('retry-after-ms')
  if (milliseconds !== null && /^\d{1,12}$/.test(milliseconds)) return Number(milliseconds)
  const written = headers.get('retry-after')
  if (written === null) return null
  if (/^\d{1,9}$/.test(written)) return Number(written) * 1_000
  const date = /^[A-Z][a-z]+, .+ GMT$/.test(written) ? Date.parse(written) : Number.NaN
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
