/** What an answer says of the rate limits it was under, as OpenAI writes it. */
import type { Admission } from '../../ledger/admission.ts'
import type { Span } from '../../ledger/window-state.ts'

/** Of the limits of a minute on requests and on tokens; nothing where there is no limit. */
export function addRateLimitHeaders(headers: Record<string, string>, { ask, windows }: Admission) {
  for (let n = 0; n < windows.length; n++) {
    const { metric, limit, span } = ask.windows[n]!
    const names = metric === 'requests' ? ofRequests : metric === 'tokens' ? ofTokens : null
    if (names === null) continue
    const { remaining } = windows[n]!
    headers[names.limit] = String(limit)
    headers[names.remaining] = String(remaining)
    headers[names.reset] = remaining === limit ? '0ms' : lengthOf(span)
  }
}

const namesFor = (metric: string) => ({
  limit: `x-ratelimit-limit-${metric}`,
  remaining: `x-ratelimit-remaining-${metric}`,
  reset: `x-ratelimit-reset-${metric}`,
})
const ofRequests = namesFor('requests')
const ofTokens = namesFor('tokens')

const lengths = new Map<Span, string>()
const lengthOf = (span: Span) => lengths.getOrInsertComputed(span, () => duration(span.slot * span.slots))

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
