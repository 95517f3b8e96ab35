/** What an answer says of the rate limits it was under, as OpenAI writes it. */
import type { Admission } from '../../ledger/admission.ts'
import type { WindowAsk } from '../../ledger/ask.ts'
import type { RateLimited } from '../../ledger/refusals.ts'
import { MINUTE, type Span } from '../../ledger/window-state.ts'

/**
 * Of the limits on tokens a minute and on requests: of those of a minute and of a day, the one of
 * which less is left. Nothing where there is no limit.
 */
export function addRateLimitHeaders(headers: Record<string, string>, { ask, windows }: Admission) {
  let least = Infinity
  for (let n = 0; n < windows.length; n++) {
    const { remaining } = windows[n]!
    const { metric } = ask.windows[n]!
    if (metric !== 'tokens') {
      if (remaining >= least || (metric !== 'requests' && metric !== 'requests_per_day')) continue
      least = remaining
    }
    setHeaders(headers, ask.windows[n]!, remaining)
  }
}

/** The same of the limit that refused a request. */
export function headersOfRefusal({ window, used }: RateLimited): Record<string, string> {
  const headers: Record<string, string> = {}
  setHeaders(headers, window, Math.max(0, window.limit - used))
  return headers
}

function setHeaders(headers: Record<string, string>, { metric, limit, span }: WindowAsk, remaining: number) {
  const reset = remaining === limit ? '0ms' : lengthOf(span)
  // Names that stand in the code are set in half the time of computed ones.
  if (metric === 'requests' || metric === 'requests_per_day') {
    headers['x-ratelimit-limit-requests'] = String(limit)
    headers['x-ratelimit-remaining-requests'] = String(remaining)
    headers['x-ratelimit-reset-requests'] = reset
  } else if (metric === 'tokens') {
    headers['x-ratelimit-limit-tokens'] = String(limit)
    headers['x-ratelimit-remaining-tokens'] = String(remaining)
    headers['x-ratelimit-reset-tokens'] = reset
  }
}

const ofMinute = durationOf(MINUTE)
const lengthOf = (span: Span) => (span === MINUTE ? ofMinute : durationOf(span))

function durationOf({ slot, slots }: Span) {
  return duration(slot * slots)
}

/** A length of time as Go writes it: `12ms`, `1.5s`, `6m0s`. */
export function duration(milliseconds: number): string {
  const whole = Math.ceil(milliseconds)
  if (whole < 1000) return `${whole}ms`
  const seconds = (whole % 60_000) / 1000
  const minutes = Math.floor(whole / 60_000)
  if (minutes === 0) return `${seconds}s`
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${seconds}s` : `${hours}h${minutes % 60}m${seconds}s`
}
