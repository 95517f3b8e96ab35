/**
 * The usage of a request as it is written down: with its price and its series, and the searches
 * that it made.
 */
import type { Counts, Series } from '../../ledger/usage-counts.ts'
import type { ModelBody } from '../model-body.ts'
import type { Reported } from './count.ts'
import type { Endpoint } from './endpoints.ts'
import { parsedJson } from './parsed-json.ts'
import { withCosts, type Price } from './price.ts'

export interface Use {
  series: Series
  counts: Counts
}

/** The members of a request's body that are written down with its usage. */
export interface Requested {
  tier: string
  /** Of images. */
  size: string
  quality: string
  /** Of web searches. */
  context_level: string
  /** Of file searches, where there is one. */
  vector_store_id: string
}

/** The service tier that a request asks for; empty where it names none. */
export const tierIn = (body: ModelBody) => textIn(body, 'service_tier')

/** The tools are only read where they were used. */
export function requestedIn(body: ModelBody, withTools: boolean): Requested {
  const requested: Requested = {
    tier: tierIn(body),
    size: textIn(body, 'size'),
    quality: textIn(body, 'quality'),
    context_level: '',
    vector_store_id: '',
  }
  return withTools ? { ...requested, ...searchedWith(objectsIn(body.member('tools'))) } : requested
}

function searchedWith(tools: readonly Record<string, unknown>[]) {
  const web = tools.find(({ type }) => typeof type === 'string' && type.startsWith('web_search'))
  const stores = tools.flatMap(({ type, vector_store_ids: ids }) =>
    type === 'file_search' && Array.isArray(ids) ? ids : [],
  )
  return {
    context_level: web ? nameIn(web.search_context_size) || 'medium' : '',
    vector_store_id: stores.length === 1 ? nameIn(stores[0]) : '',
  }
}

interface Used {
  endpoint: Endpoint
  requested: Requested
  price: Price | null
  /** The series that it began with. */
  series: Series
}

/** Of a batch, whose requests can differ. */
export const requestedNothing: Requested = { tier: '', size: '', quality: '', context_level: '', vector_store_id: '' }

/** Of the request itself. */
export function useOf(reported: Reported, isEstimated: boolean, { endpoint, requested, price, series }: Used): Use {
  const { tier, size, quality } = requested
  const own = variantOf(
    series,
    reported.service_tier || tier,
    endpoint.source ? `${size} ${endpoint.source}` : '',
    isEstimated ? 1 : 0,
  )
  const { counts } = reported
  if (!price) return { series: own, counts }
  const { service_tier, batch } = own
  const priced = { counts, service_tier, batch: batch === 1, unit: endpoint.unit, size, quality }
  return { series: own, counts: withCosts(priced, price) }
}

/** Of the searches that the model made, which are reports of their own and have no price. */
export function searchesOf(
  { web_searches, file_searches }: Reported,
  { context_level, vector_store_id }: Requested,
  own: Series,
): readonly Use[] {
  const uses: Use[] = []
  const add = (kind: Series['kind'], units: number, detail: string) => {
    if (units > 0) uses.push({ series: { ...own, kind, detail }, counts: { requests: 1, units } })
  }
  add('web_searches', web_searches, context_level)
  add('file_searches', file_searches, vector_store_id)
  return uses
}

export const hasSearches = ({ web_searches, file_searches }: Reported) => web_searches + file_searches > 0

/** Most variants of a series that are remembered. */
const MOST_VARIANTS = 16
const variants = new WeakMap<Series, Series[]>()

/**
 * The series with what only the answer shows. Equal ones are the same object, so that they are
 * found fast.
 */
function variantOf(series: Series, service_tier: string, detail: string, estimated: 0 | 1): Series {
  const isIt = (one: Series) =>
    one.service_tier === service_tier && one.detail === detail && one.estimated === estimated
  if (isIt(series)) return series
  const known = variants.getOrInsertComputed(series, () => [])
  const found = known.find(isIt)
  if (found) return found
  if (known.length >= MOST_VARIANTS) known.length = 0
  const made: Series = { ...series, service_tier, detail, estimated }
  known.push(made)
  return made
}

/** Counts that nobody reported. */
export const unreported = (counts: Counts): Reported => ({
  counts,
  service_tier: '',
  web_searches: 0,
  file_searches: 0,
  impossible: [],
})

/**
 * The text of a member, if it is text: of a JSON body a JSON string, of a form the field itself.
 */
function textIn(body: ModelBody, name: string): string {
  const written = body.sent(name)
  if (written === undefined) return ''
  return body.kind === 'form' ? nameIn(written) : nameIn(parsedJson(written))
}

const nameIn = (value: unknown) => (typeof value === 'string' ? value.slice(0, 64) : '')

const objectsIn = (json: string | undefined): Record<string, unknown>[] => {
  const list = json === undefined ? null : parsedJson(json)
  return Array.isArray(list) ? list.filter((one) => typeof one === 'object' && one !== null) : []
}
