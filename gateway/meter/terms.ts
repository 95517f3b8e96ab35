/**
 * What is the same for all requests of a caller for one model: price, rate limits and the series
 * that they are counted in. Remembered until the caller is read anew (any change of its limits has
 * that effect), the configuration changes, or another price begins.
 */
import { UNLIMITED, type LimitName } from '../../contract/project-rate-limits.ts'
import type { WindowAsk } from '../../ledger/ask.ts'
import type { Series } from '../../ledger/usage-counts.ts'
import type { ProjectCaller } from '../caller.ts'
import { hasSpendLimit, seriesOf } from './caller-limits.ts'
import type { Endpoint } from './endpoints.ts'
import type { ModelBook, ModelSettings } from './model-book.ts'
import { priceAt, priceEnd, type Price } from './price.ts'
import { limitsOf, requestWindows } from './windows.ts'

export interface Terms {
  settings: ModelSettings
  price: Price | null
  hasSpendLimit: boolean
  /** The row of rate limits that the model is under, and what they are for this project. */
  limit_key: string
  limits: Partial<Record<LimitName, number>>
  /** Whether any of them is set. */
  hasRates: boolean
  /** Those that count requests. */
  requestWindows: readonly WindowAsk[]
  series: Series
}

interface Remembered extends Terms {
  models: ModelBook
  /** The price holds from this moment on until the other, in Unix seconds. */
  begin: number
  end: number
}

/** Most models that are remembered for one caller. */
const MOST_MODELS = 100

const remembered = new WeakMap<ProjectCaller, Map<Endpoint, Map<string, Remembered>>>()

/** `now` is in Unix seconds. */
export function termsOf(
  caller: ProjectCaller,
  endpoint: Endpoint,
  model: string,
  models: ModelBook,
  now: number,
): Terms {
  let byEndpoint = remembered.get(caller)
  if (!byEndpoint) remembered.set(caller, (byEndpoint = new Map()))
  let byModel = byEndpoint.get(endpoint)
  if (!byModel) byEndpoint.set(endpoint, (byModel = new Map()))
  const known = byModel.get(model)
  if (known && known.models === models && now >= known.begin && now < known.end) return known
  if (byModel.size >= MOST_MODELS) byModel.clear()
  const terms = find(caller, endpoint, model, models, now)
  byModel.set(model, terms)
  return terms
}

function find(caller: ProjectCaller, { kind }: Endpoint, model: string, models: ModelBook, now: number): Remembered {
  const settings = models.find(model)
  const row = models.rowOf(model)
  const limits = limitsOf(caller, row)
  const price = priceAt(settings.prices, now)
  return {
    models,
    settings,
    price,
    begin: price?.valid_from ?? -Infinity,
    end: priceEnd(settings.prices, now),
    hasSpendLimit: hasSpendLimit(caller),
    limit_key: row.key,
    limits,
    requestWindows: requestWindows(limits, row.key),
    hasRates: Object.values(limits).some((limit) => limit < UNLIMITED),
    series: seriesOf(caller, kind, model, price),
  }
}
