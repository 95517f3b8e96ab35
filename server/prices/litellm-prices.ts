/**
 * Prices from LiteLLM's `model_prices_and_context_window.json`: dollars for one token, second,
 * character or image.
 */
import { given, times, tokens, type FilePrice, type FileRates, type ListedModel, type PriceList } from './price-list.ts'

type Entry = Record<string, unknown>

const MILLION = 1_000_000
const SECONDS_PER_MINUTE = 60

/** Throws SyntaxError for what is no JSON object. */
export function litellmPrices(text: string): PriceList {
  const file: unknown = JSON.parse(text)
  if (typeof file !== 'object' || file === null || Array.isArray(file)) throw new SyntaxError('it is no JSON object')
  const entries = file as Record<string, Entry>
  return {
    name: 'a price list of LiteLLM',
    find(model, base_url) {
      for (const name of namesOf(model, base_url)) {
        const entry = entries[name]
        if (typeof entry !== 'object' || entry === null) continue
        const listed = listedModel(name, entry)
        if (listed.prices.length > 0) return listed
      }
      return null
    },
  }
}

/**
 * Names that the list may have it under, the most exact first: it writes `groq/…` for what
 * api.groq.com serves.
 */
function namesOf(model: string, base_url: string): string[] {
  const host = new URL(base_url).hostname
  const label = /^[\d.]+$|^\[/.test(host) ? undefined : host.split('.').at(-2)
  const slash = model.indexOf('/')
  return [...(label === undefined ? [] : [`${label}/${model}`]), model, ...(slash > 0 ? [model.slice(slash + 1)] : [])]
}

const rateMembers = {
  input: 'input_cost_per_token',
  cached_input: 'cache_read_input_token_cost',
  cache_write: 'cache_creation_input_token_cost',
  output: 'output_cost_per_token',
} as const
type Rate = keyof typeof rateMembers

const tiers = { batch: '_batches', flex: '_flex', priority: '_priority' } as const

function listedModel(name: string, entry: Entry): ListedModel {
  const { litellm_provider = 'unknown', mode } = entry
  const left_out = leftOut(entry)
  const price = priceOf(entry, left_out)
  return given({
    source: `${String(litellm_provider)}, ${name}`,
    prices: Object.values(price).some((value) => value !== undefined) && mode !== 'realtime' ? [price] : [],
    context_tokens: tokens(entry.max_input_tokens),
    max_output_tokens: tokens(entry.max_output_tokens),
    left_out,
  })
}

function priceOf(entry: Entry, left_out: string[]): FilePrice {
  const { mode } = entry
  const drawn = isDrawn(entry)
  const base = ratesOf(entry, '')
  // The tokens of an image are the output of these.
  if (drawn) base.output ??= perMillion(entry.output_cost_per_image_token)
  const [first, ...more] = Array.isArray(entry.tiered_pricing) ? (entry.tiered_pricing as Entry[]) : []
  const heard = perSecond(entry)
  const image = drawn ? (dollars(entry.output_cost_per_image) ?? dollars(entry.input_cost_per_image)) : undefined
  const above = [...tiersAbove(entry), ...more.flatMap((range) => tierOf(range))]
  return given({
    ...base,
    ...(first && given(ratesOf(first, ''))),
    image,
    minute: heard === undefined ? undefined : times(heard, SECONDS_PER_MINUTE),
    million_characters: mode === 'audio_speech' ? perMillion(entry.input_cost_per_character) : undefined,
    ...factorsOf(entry, left_out),
    above: above.length > 0 ? above.toSorted((one, other) => one.tokens - other.tokens) : undefined,
  })
}

/** Of audio; where its tokens have a price, that counts, and not both. */
const perSecond = ({ mode, ...entry }: Entry): number | undefined =>
  mode === 'audio_transcription' && !dollars(entry.input_cost_per_token)
    ? (dollars(entry.input_cost_per_second) ?? dollars(entry.output_cost_per_second))
    : undefined

const isDrawn = ({ mode }: Entry) => mode === 'image_generation' || mode === 'image_edit'

const ratesOf = (entry: Entry, suffix: string): FileRates =>
  Object.fromEntries(
    (Object.keys(rateMembers) as Rate[]).map((rate) => [rate, perMillion(entry[rateMembers[rate] + suffix])]),
  )

/** `…_above_200k_tokens`: the price of prompts with more tokens. */
function tiersAbove(entry: Entry) {
  const thousands = Object.keys(entry).flatMap(
    (name) => /^input_cost_per_token_above_(\d+)k_tokens$/.exec(name)?.[1] ?? [],
  )
  return thousands.map((count) => ({
    tokens: Number(count) * 1000,
    ...given(ratesOf(entry, `_above_${count}k_tokens`)),
  }))
}

function tierOf(range: Entry) {
  const [from] = Array.isArray(range.range) ? (range.range as unknown[]) : []
  const above = tokens(from)
  return above === undefined ? [] : [{ tokens: above, ...given(ratesOf(range, '')) }]
}

/**
 * What a service tier multiplies the price with. The file has one factor for all rates: where the
 * list differs between them, that of the dearer of input and output.
 */
function factorsOf(entry: Entry, left_out: string[]) {
  const factors: Pick<FilePrice, 'batch' | 'flex' | 'priority'> = {}
  for (const [tier, suffix] of Object.entries(tiers) as [keyof typeof tiers, string][]) {
    const ratios = (Object.keys(rateMembers) as Rate[]).flatMap((rate) => {
      const [plain, own] = ['', suffix].map((end) => dollars(entry[rateMembers[rate] + end]))
      return plain && own !== undefined ? [{ rate, ratio: Number((own / plain).toFixed(3)) }] : []
    })
    const main = ratios.filter(({ rate }) => rate === 'input' || rate === 'output').map(({ ratio }) => ratio)
    if (main.length === 0) continue
    const factor = Math.max(...main)
    if (factor > 100) continue
    factors[tier] = factor
    for (const { rate, ratio } of ratios)
      if (ratio !== factor) left_out.push(`${rate} of ${tier}, which is ${ratio} of the price`)
  }
  return factors
}

/** Further prices of tokens, which the file counts as input or output. */
const leftOut = (entry: Entry): string[] =>
  Object.keys(entry).filter(
    (name) =>
      /^(input|output)_cost_per_(audio|image|reasoning|video)_token$|_above_1hr$/.test(name) &&
      (dollars(entry[name]) ?? 0) > 0 &&
      entry[name] !== entry[name.replace(/_(audio|image|reasoning|video)_/, '_')] &&
      !(isDrawn(entry) && name === 'output_cost_per_image_token' && entry.output_cost_per_token === undefined),
  )

const dollars = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined

function perMillion(value: unknown): number | undefined {
  const one = dollars(value)
  return one === undefined ? undefined : times(one, MILLION)
}
