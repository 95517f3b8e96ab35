/** Turns the usage that an upstream reports into counts. */
import { addCounts, type Counts } from '../../ledger/usage-counts.ts'
import { reportedByMessages, usageOfMessages } from './messages-usage.ts'
import type { Endpoint } from './endpoints.ts'
import { Numbers, of, type Members } from './usage-numbers.ts'

/** What an answer, or the last event of a stream, reports. */
export interface Reported {
  counts: Counts
  service_tier: string
  /** Calls of hosted tools. */
  web_searches: number
  file_searches: number
  /** Members of `usage` whose values cannot be counts; they were taken for 0. */
  impossible: readonly string[]
}

/**
 * The counts of a `usage` object, by either of its vocabularies; null where it says nothing that
 * could be counted. Zero is a count; only absence is none.
 */
function countsOf(usage: unknown, { unit, kind, generates }: Endpoint, numbers: Numbers): Counts | null {
  const one = of(usage)
  const prompt = numbers.read(one, 'prompt_tokens') ?? numbers.read(one, 'input_tokens')
  // Some servers that rerank say nothing else, or 0 beside it, and there is no output.
  const total = !prompt && kind === 'embeddings' ? numbers.read(one, 'total_tokens') : null
  const input = total ?? prompt
  // Where none is generated, the bound of a request has no output.
  const most = generates ? undefined : 0
  const output = numbers.read(one, 'completion_tokens', most) ?? numbers.read(one, 'output_tokens', most)
  // The second name is Mistral's.
  const seconds =
    unit === 'second' ? (numbers.seconds(one, 'seconds') ?? numbers.seconds(one, 'prompt_audio_seconds')) : null
  if (input === null && output === null && seconds === null) return null
  const counts: Counts = { requests: 1, input: input ?? 0, output: output ?? 0 }
  if (seconds !== null) counts.units = seconds
  const inputs = one.prompt_tokens_details ?? one.input_tokens_details ?? one.input_token_details
  if (inputs) addInputDetails(counts, of(inputs), input ?? 0, numbers)
  const outputs = one.completion_tokens_details ?? one.output_tokens_details ?? one.output_token_details
  if (outputs) {
    counts.audio_output = upTo(output ?? 0, numbers.read(of(outputs), 'audio_tokens'))
    counts.image_output = upTo(output ?? 0, numbers.read(of(outputs), 'image_tokens'))
  }
  return counts
}

function addInputDetails(counts: Counts, inputs: Members, input: number, numbers: Numbers) {
  const cached = upTo(input, numbers.read(inputs, 'cached_tokens'))
  const written = numbers.read(inputs, 'cache_write_tokens') ?? numbers.read(inputs, 'cache_creation_tokens')
  const cache_write = upTo(input - cached, written)
  counts.cached = cached
  counts.cache_write = cache_write
  counts.audio_input = upTo(input, numbers.read(inputs, 'audio_tokens'))
  counts.image_input = upTo(input, numbers.read(inputs, 'image_tokens'))
  if (inputs.cache_write_tokens_details)
    counts.cache_write_12h = upTo(cache_write, numbers.read(of(inputs.cache_write_tokens_details), 'ttl_12h_tokens'))
  if (!inputs.cached_tokens_details) return
  const details = of(inputs.cached_tokens_details)
  counts.cached_audio = upTo(cached, numbers.read(details, 'audio_tokens'))
  counts.cached_image = upTo(cached, numbers.read(details, 'image_tokens'))
}

/** A part is never larger than the whole that it belongs to. */
const upTo = (most: number, count: number | null) => Math.min(count ?? 0, most)

/** The usage in a whole answer; null if there is none. */
export function reportedIn(answer: unknown, endpoint: Endpoint): Reported | null {
  const body = of(answer)
  if (endpoint.isMessages) return reportedByMessages(usageOfMessages(body))
  // The last event of a stream of the Responses API has the response inside.
  const response = endpoint.isResponses ? of(body.response) : body
  const inner = response.usage !== undefined ? response : body
  const numbers = new Numbers()
  const counts = countsOf(inner.usage, endpoint, numbers) ?? withoutUsage(inner, endpoint, numbers)
  if (!counts) return null
  const drawing = endpoint.unit === 'image' ? countsOf(inner.svg_usage, endpoint, numbers) : null
  if (drawing) addCounts(counts, { ...drawing, requests: 0 })
  if (endpoint.unit === 'image') counts.units = images(inner) ?? counts.units ?? 0
  if (endpoint.unit === 'second') counts.units ??= numbers.seconds(inner, 'duration') ?? 0
  const output = endpoint.isResponses ? inner.output : null
  return {
    counts,
    service_tier: typeof inner.service_tier === 'string' ? inner.service_tier.slice(0, 64) : '',
    web_searches: callsIn(output, 'web_search_call'),
    file_searches: callsIn(output, 'file_search_call'),
    impossible: numbers.impossible,
  }
}

const callsIn = (output: unknown, type: string) =>
  Array.isArray(output) ? output.filter((item) => of(item).type === type).length : 0

/**
 * In a whole answer the list of images; in a stream each image has an event of its own, in which it
 * is complete.
 */
function images({ data, type }: Members): number | null {
  if (Array.isArray(data)) return data.length
  return typeof type === 'string' && type.endsWith('.completed') ? 1 : null
}

/** Without `usage`, images and audio are counted by what arrived. */
function withoutUsage(body: Members, { unit }: Endpoint, numbers: Numbers): Counts | null {
  if (unit === 'image' && images(body) !== null) return { requests: 1, units: images(body)! }
  if (unit !== 'second') return null
  const seconds = numbers.seconds(body, 'duration')
  return seconds === null ? null : { requests: 1, units: seconds }
}

/**
 * In a stream of images each event reports its own usage, which add up. In all others the last
 * report counts.
 */
export function together(before: Reported | null, now: Reported, { unit }: Endpoint): Reported {
  if (unit !== 'image' || before === null) return now
  const counts = { ...before.counts }
  addCounts(counts, { ...now.counts, requests: 0 })
  return { ...now, counts, impossible: [...before.impossible, ...now.impossible] }
}
