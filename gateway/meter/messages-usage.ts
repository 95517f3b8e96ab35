/**
 * What an answer of Anthropic's API says of its use. Its `input_tokens` leave out what was read
 * from the cache and written to it; a stream says what the prompt has at its beginning, and what
 * the answer has with its end.
 */
import type { Counts } from '../../ledger/usage-counts.ts'
import { Numbers, of, type Members } from './usage-numbers.ts'

/**
 * `body` is a whole answer, or one event of a stream. `before` is the `usage` of the events before
 * it: what an event does not say, or says is null, stays as it was.
 */
export function usageOfMessages(body: Members, before: Members = {}): Members {
  const usage = of(body.usage ?? of(body.message).usage)
  const said = Object.entries(usage).filter(([, value]) => value !== null && value !== undefined)
  return { ...before, ...Object.fromEntries(said) }
}

/** Null where it says nothing of tokens. */
export function reportedByMessages(usage: Members) {
  const numbers = new Numbers()
  const uncached = numbers.read(usage, 'input_tokens')
  const output = numbers.read(usage, 'output_tokens')
  if (uncached === null && output === null) return null
  const cached = numbers.read(usage, 'cache_read_input_tokens') ?? 0
  const cache_write = numbers.read(usage, 'cache_creation_input_tokens') ?? 0
  const input = (uncached ?? 0) + cached + cache_write
  const { service_tier } = usage
  const counts = { requests: 1, input, cached, cache_write, output: output ?? 0 } satisfies Counts
  return {
    counts,
    service_tier: typeof service_tier === 'string' ? service_tier.slice(0, 64) : '',
    web_searches: numbers.read(of(usage.server_tool_use), 'web_search_requests') ?? 0,
    file_searches: 0,
    impossible: numbers.impossible,
  }
}
