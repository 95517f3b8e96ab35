/**
 * Prices from the package `@pydantic/genai-prices`, which is loaded for this alone: dollars for a
 * million tokens.
 */
import { calcPrice, type ModelInfo, type ModelPrice, type Provider } from '@pydantic/genai-prices'
import packageFile from '../../package.json' with { type: 'json' }
import { given, times, tokens, type FilePrice, type FileRates, type ListedModel, type PriceList } from './price-list.ts'

const MINUTES_PER_HOUR = 60

/** `today` is a day such as `2026-11-26`, UTC. */
export const genaiPrices = (today: string): PriceList => ({
  name: `@pydantic/genai-prices ${packageFile.dependencies['@pydantic/genai-prices']}`,
  find(model, base_url) {
    const slash = model.indexOf('/')
    const found =
      look(model, { providerApiUrl: base_url }) ??
      look(model, {}) ??
      // A proxy in front of several providers names the provider first.
      (slash > 0 ? look(model.slice(slash + 1), { providerId: model.slice(0, slash) }) : null)
    return found && listedModel(found.provider, found.model, today)
  },
})

function look(model: string, where: { providerApiUrl?: string; providerId?: string }) {
  try {
    return calcPrice({ input_tokens: 0 }, model, where)
  } catch {
    return null
  }
}

function listedModel(provider: Provider, { id, prices, context_window }: ModelInfo, today: string): ListedModel | null {
  const all = Array.isArray(prices) ? prices : [{ prices }]
  const days = all.flatMap(({ constraint, prices }) =>
    constraint?.type === 'time_of_date' ? [] : [{ from: constraint?.start_date ?? '', prices }],
  )
  const [current] = days.filter(({ from }) => from <= today).toSorted((one, other) => (one.from < other.from ? 1 : -1))
  if (!current) return null
  // The file has no prices by time of day.
  const left_out = all.some(({ constraint }) => constraint?.type === 'time_of_date')
    ? ['other prices at some hours']
    : []
  const own = priceOf(current.prices)
  const later = days
    .filter(({ from }) => from > today)
    .map(({ from, prices }) => ({ valid_from: from.slice(0, 10), ...priceOf(prices) }))
  if (Object.keys(own).length === 0) return null
  return given({
    source: `${provider.id}, ${id}`,
    prices: [own, ...later],
    context_tokens: tokens(context_window),
    left_out: [...left_out, ...leftOut(current.prices)],
  })
}

const rateMembers = {
  input: 'input_mtok',
  cached_input: 'cache_read_mtok',
  cache_write: 'cache_write_mtok',
  output: 'output_mtok',
} as const
type Rate = keyof typeof rateMembers

function priceOf(price: ModelPrice): FilePrice {
  const hours = rateAt(price.audio_hours ?? price.input_audio_hours, 0)
  const starts = Object.values(rateMembers).flatMap((member) => {
    const rate = price[member]
    return typeof rate === 'object' ? rate.tiers.map(({ start }) => start) : []
  })
  const above = [...new Set(starts)].toSorted((one, other) => one - other)
  return given({
    ...ratesAt(price, 0),
    minute: hours === undefined ? undefined : times(hours, 1 / MINUTES_PER_HOUR),
    above: above.length > 0 ? above.map((start) => ({ tokens: start, ...ratesAt(price, start + 1) })) : undefined,
  })
}

/** The rates of a prompt with so many tokens. */
const ratesAt = (price: ModelPrice, count: number): FileRates =>
  given(
    Object.fromEntries(
      (Object.keys(rateMembers) as Rate[]).map((rate) => [rate, rateAt(price[rateMembers[rate]], count)]),
    ) as FileRates,
  )

function rateAt(rate: ModelPrice[string], count: number): number | undefined {
  if (typeof rate !== 'object') return rate
  const tier = rate.tiers.filter(({ start }) => count > start).toSorted((one, other) => other.start - one.start)[0]
  return tier?.price ?? rate.base
}

/**
 * Further prices of tokens and requests, which the file counts as input or output, or not at all.
 */
function leftOut(price: ModelPrice): string[] {
  const known = new Set<string>([...Object.values(rateMembers), 'audio_hours', 'input_audio_hours'])
  return Object.keys(price).filter((name) => !known.has(name) && !name.endsWith('searches_kcount'))
}
