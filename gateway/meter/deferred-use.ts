/**
 * The usage of batches and background responses: what is written down when they begin, and what
 * their result reports.
 */
import type { DeferredRequestRow } from '../../database/ledger-tables.ts'
import type { Deferral } from '../../ledger/admission.ts'
import { seriesIn } from '../../ledger/deferred-rows.ts'
import type { Counts } from '../../ledger/usage-counts.ts'
import { imagesOf } from './batch-images.ts'
import { reportedIn } from './count.ts'
import { endpointOf } from './endpoints.ts'
import type { Price } from './price.ts'
import { searchesOf, useOf, type Requested, type Use } from './use.ts'

const HOUR_MILLISECONDS = 3_600_000
/** A batch has a day to run, and may be finished late; a response is given up after a day. */
const patience = { response: 24 * HOUR_MILLISECONDS, batch: 72 * HOUR_MILLISECONDS }

/** Kept with the request until its result is seen. */
export interface DeferredUse {
  /** Below `/v1`: of a batch the path that its requests go to. */
  path: string
  requested: Requested
  /** At the time of its admission. */
  price: Price | null
  /** The most that it can use. */
  most: Counts
  /** The most images that one request of a batch asks for. */
  largest?: number
}

export const deferralOf = (
  kind: 'batch' | 'response',
  upstream: string,
  result_id: string,
  { price, ...use }: DeferredUse,
): Deferral => ({
  kind,
  upstream,
  result_id,
  metered: JSON.stringify({
    ...use,
    price: price && { ...price, images: [...price.images], tiers: [...price.tiers] },
  }),
  patience_milliseconds: patience[kind],
})

function useIn({ metered }: DeferredRequestRow): DeferredUse {
  const { price, ...use } = JSON.parse(metered) as DeferredUse & {
    price: (Price & { images: [string, number][]; tiers: [string, number][] }) | null
  }
  return { ...use, price: price && { ...price, images: new Map(price.images), tiers: new Map(price.tiers) } }
}

export interface Outcome {
  uses: Use[]
  /** Members of `usage` that were no possible numbers. */
  impossible: readonly string[]
}

interface Result {
  id?: unknown
  status?: unknown
  usage?: unknown
  request_counts?: { completed?: unknown } | null
}

/** States in which no more requests are processed. */
const over = new Set(['completed', 'incomplete', 'failed', 'expired', 'cancelled'])

/** The usage in a result; null while the request is still running. */
export function outcomeOf(row: DeferredRequestRow, result: Result): Outcome | null {
  if (typeof result.status !== 'string' || !over.has(result.status)) return null
  const use = useIn(row)
  const endpoint = endpointOf('POST', use.path)!
  const completed = completedIn(result)
  const requests = row.kind === 'batch' ? Math.min(completed ?? Infinity, use.most.requests!) : 1
  // The usage of a batch is that of all its requests, in tokens.
  const reported = reportedIn(result, row.kind === 'batch' ? { ...endpoint, unit: null } : endpoint)
  const isOfImages = row.kind === 'batch' && endpoint.unit === 'image'
  const counted = { requests, ...(isOfImages && { units: imagesOf(requests, use.most, use.largest) }) }
  const used = { endpoint, requested: use.requested, price: use.price, series: seriesIn(row) }
  if (reported) {
    const own = useOf({ ...reported, counts: { ...reported.counts, ...counted } }, false, used)
    const searches = searchesOf(reported, use.requested, own.series)
    return { uses: [own, ...searches], impossible: reported.impossible }
  }
  // What failed before anything was done costs nothing, as a refusal does.
  if (result.status === 'failed' || completed === 0) return { uses: [], impossible: [] }
  return { uses: [atMost(row, use)], impossible: [] }
}

/**
 * How many lines of a batch succeeded; null where the result does not say it in a possible number.
 */
function completedIn({ request_counts }: Result): number | null {
  const completed = request_counts?.completed
  return Number.isSafeInteger(completed) && (completed as number) >= 0 ? (completed as number) : null
}

/** Settled at what it could cost at most, because nobody knows better. */
export const givenUp = (row: DeferredRequestRow): Use[] => [atMost(row, useIn(row))]

const atMost = (row: DeferredRequestRow, { most }: DeferredUse): Use => ({
  series: { ...seriesIn(row), estimated: 1 },
  counts: { ...most, cost_output: row.amount },
})
