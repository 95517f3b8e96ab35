/** The `models:` part of `keyhall.yaml`: prices, sizes and limits of models. */
import { Type as t } from 'typebox'
import type { LimitName } from '../contract/project-rate-limits.ts'
import { DEFAULT_ESTIMATE, type ModelSettings } from './meter/model-book.ts'
import { priceBegin } from './price-begin.ts'
import { perMillion, perOne, type Price } from './meter/price.ts'

const LARGEST_PRICE = 1_000_000

const dollars = (description: string) => t.Optional(t.Number({ minimum: 0, maximum: LARGEST_PRICE, description }))
const factor = (description: string) => t.Optional(t.Number({ minimum: 0, maximum: 100, description }))
const tokens = (description: string) => t.Optional(t.Integer({ minimum: 1, maximum: 100_000_000, description }))
/** A week. */
const MOST_AUDIO_SECONDS = 604_800
const amount = (description: string) => t.Optional(t.Integer({ minimum: 0, maximum: 2_147_483_647, description }))

const rates = {
  input: dollars('Dollars for a million tokens of the prompt.'),
  cached_input: dollars('The same for tokens that were in the cache; default: as `input`.'),
  cache_write: dollars('The same for tokens that are written to the cache; default: as `input`.'),
  output: dollars('Dollars for a million tokens of the answer.'),
}

const ratesAbove = {
  input: dollars('Dollars for a million tokens of the prompt; default: as for shorter prompts.'),
  cached_input: dollars(
    'The same for tokens that were in the cache; default: as for shorter prompts, or as `input` where that has none.',
  ),
  cache_write: dollars(
    'The same for tokens that are written to the cache; default: as for shorter prompts, or as `input` where that has none.',
  ),
  output: dollars('Dollars for a million tokens of the answer; default: as for shorter prompts.'),
}

const FilePrice = t.Object(
  {
    valid_from: t.Optional(
      t.String({
        description:
          'The day or the moment from which on it holds, UTC, such as `2026-11-01` or `2026-11-01T12:00:00Z`; default: always.',
      }),
    ),
    ...rates,
    image: dollars('Dollars for an image.'),
    minute: dollars('Dollars for a minute of audio.'),
    million_characters: dollars('Dollars for a million characters that are spoken.'),
    batch: factor('What the prices of a batch are multiplied with; default: 1.'),
    flex: factor('The same for the service tier `flex`.'),
    priority: factor('The same for the service tier `priority`, also named `fast`.'),
    above: t.Optional(
      t.Array(
        t.Object(
          {
            tokens: t.Integer({ minimum: 1, maximum: 100_000_000, description: 'Tokens of the prompt.' }),
            ...ratesAbove,
          },
          { additionalProperties: false },
        ),
        { description: 'Other prices for prompts with more tokens than these.' },
      ),
    ),
  },
  { additionalProperties: false },
)

const FileLimits = t.Object(
  {
    requests_per_minute: amount('Requests in any 60 seconds.'),
    tokens_per_minute: amount('Tokens in any 60 seconds.'),
    requests_per_day: amount('Requests in any 24 hours.'),
    images_per_minute: amount('Images in any 60 seconds.'),
    audio_megabytes_per_minute: amount('Megabytes of audio in any 60 seconds.'),
    batch_tokens_per_day: amount('Tokens of the prompts of batches in any 24 hours.'),
  },
  { additionalProperties: false },
)

export const FileModel = t.Object(
  {
    match: t.String({
      minLength: 1,
      description:
        'A model, or a pattern in which `*` stands for any characters. A name wins over a pattern, and the first pattern over later ones. Models under one pattern share its limits.',
    }),
    prices: t.Optional(
      t.Array(FilePrice, {
        description: 'What its use costs. A price that begins later leaves what was used before as it is.',
      }),
    ),
    context_tokens: tokens(
      'Most tokens of a prompt. Under a spend limit it bounds what images, files and stored prompts cost.',
    ),
    max_output_tokens: tokens(
      'Most tokens of an answer. Under a spend limit it is set in requests that name no maximum. A line of a batch is not changed: where its path takes no maximum, this must be the most that the model can answer.',
    ),
    max_audio_seconds: t.Optional(
      t.Integer({
        minimum: 1,
        maximum: MOST_AUDIO_SECONDS,
        description:
          'The longest audio that the model transcribes, in seconds. Under a spend limit a price by the minute needs it, because a small file can be long.',
      }),
    ),
    estimate_output_tokens: tokens(
      `What an answer is expected to have where the request names no maximum; only for the limit on tokens; default: ${DEFAULT_ESTIMATE}.`,
    ),
    limits: t.Optional(FileLimits),
  },
  { additionalProperties: false },
)

interface FileRates {
  input?: number
  cached_input?: number
  cache_write?: number
  output?: number
}

export interface ModelInFile {
  match: string
  prices?: (FileRates & {
    valid_from?: string
    image?: number
    minute?: number
    million_characters?: number
    batch?: number
    flex?: number
    priority?: number
    above?: (FileRates & { tokens: number })[]
  })[]
  context_tokens?: number
  max_output_tokens?: number
  max_audio_seconds?: number
  estimate_output_tokens?: number
  limits?: {
    requests_per_minute?: number
    tokens_per_minute?: number
    requests_per_day?: number
    images_per_minute?: number
    audio_megabytes_per_minute?: number
    batch_tokens_per_day?: number
  }
}

/** The names of the API for the limits of the file. */
const limitNames = {
  requests_per_minute: 'max_requests_per_1_minute',
  tokens_per_minute: 'max_tokens_per_1_minute',
  requests_per_day: 'max_requests_per_1_day',
  images_per_minute: 'max_images_per_1_minute',
  audio_megabytes_per_minute: 'max_audio_megabytes_per_1_minute',
  batch_tokens_per_day: 'batch_1_day_max_input_tokens',
} as const satisfies Record<string, LimitName>

export function modelSettings(model: ModelInFile): ModelSettings {
  const { match, prices = [], limits = {} } = model
  return {
    match,
    prices: prices.map(priceOf),
    context_tokens: model.context_tokens ?? null,
    max_output_tokens: model.max_output_tokens ?? null,
    max_audio_seconds: model.max_audio_seconds ?? null,
    estimate_output_tokens: model.estimate_output_tokens ?? DEFAULT_ESTIMATE,
    limits: Object.fromEntries(
      Object.entries(limits).map(([name, value]) => [limitNames[name as keyof typeof limitNames], value]),
    ),
  }
}

function priceOf(price: NonNullable<ModelInFile['prices']>[number]): Price {
  const { valid_from, image, minute = 0, million_characters = 0, batch = 1, above = [] } = price
  // `fast` is the other name of `priority`.
  const names = { flex: price.flex, priority: price.priority, fast: price.priority }
  const tiers = Object.entries(names).flatMap(([tier, factor]) =>
    factor === undefined ? [] : [[tier, Math.round(factor * 1000)] as const],
  )
  return {
    valid_from: priceBegin(valid_from)!,
    ...ratesOf(price),
    images: new Map(image === undefined ? [] : [['*', perOne(decimal(image))]]),
    minute: perOne(decimal(minute)),
    character: perMillion(decimal(million_characters)),
    batch: Math.round(batch * 1000),
    tiers: new Map(tiers),
    above: above
      .map(({ tokens, ...rates }) => ({ tokens, ...ratesOf({ ...price, ...rates }) }))
      .toSorted((one, other) => other.tokens - one.tokens),
  }
}

const ratesOf = ({ input = 0, cached_input = input, cache_write = input, output = 0 }: FileRates) => ({
  input: perMillion(decimal(input)),
  cached: perMillion(decimal(cached_input)),
  cache_write: perMillion(decimal(cache_write)),
  output: perMillion(decimal(output)),
})

/**
 * A number of the file as decimal text: JavaScript writes the shortest that means it, which is what
 * was typed.
 */
const decimal = (value: number) => {
  const text = String(value)
  return text.includes('e') ? value.toFixed(15) : text
}
