/** Turns refusals of the ledger into errors of the API. */
import { rateLimited, spendLimited, tooLargeForLimit } from '../../contract/limit-errors.ts'
import type { Metric } from '../../ledger/ask.ts'
import type { RateLimited, SpendLimited } from '../../ledger/refusals.ts'
import { maskKeys } from '../../keys/format.ts'
import { duration, headersOfRefusal } from './rate-limit-headers.ts'

const LONGEST_SHOWN_MODEL = 128

/** What a limit counts: the type of the error, in words, and as OpenAI abbreviates it. */
const metrics: Record<Metric, { type: 'requests' | 'tokens' | 'images' | 'audio'; words: string }> = {
  requests: { type: 'requests', words: 'requests per min (RPM)' },
  tokens: { type: 'tokens', words: 'tokens per min (TPM)' },
  images: { type: 'images', words: 'images per min (IPM)' },
  audio_bytes: { type: 'audio', words: 'audio bytes per min' },
  requests_per_day: { type: 'requests', words: 'requests per day (RPD)' },
  batch_tokens_per_day: { type: 'tokens', words: 'batch tokens per day (TPD)' },
}

/** Of what a request must ask for less to fit below its limit; of requests it is one always. */
const advice: Record<'requests' | 'tokens' | 'images' | 'audio', string> = {
  requests: 'The limit allows no request at all.',
  tokens: 'The input or output tokens must be reduced in order to run successfully.',
  images: 'Fewer images must be asked for.',
  audio: 'The audio must be shorter.',
}

export function rateLimitError(refusal: RateLimited, model: string, organization_id: string) {
  const { window, used, retry_milliseconds } = refusal
  const { metric, limit, units } = window
  const { type, words } = metrics[metric]
  const where = `for ${maskKeys(model).slice(0, LONGEST_SHOWN_MODEL)} in organization ${organization_id} on ${words}`
  if (retry_milliseconds === null)
    return tooLargeForLimit(
      `Request too large ${where}: Limit ${limit}, Requested ${units}. ${advice[limit === 0 ? 'requests' : type]}`,
      type,
    )
  return rateLimited(
    `Rate limit reached ${where}: Limit ${limit}, Used ${used}, Requested ${units}. Please try again in ${duration(retry_milliseconds)}.`,
    type,
    retry_milliseconds,
    headersOfRefusal(refusal),
  )
}

export const spendLimitError = ({ level, retry_milliseconds }: SpendLimited) => spendLimited(level, retry_milliseconds)
