import { invalid } from '../../contract/errors.ts'
import { defaultBuckets, mostBuckets, mostCostBuckets, usage, type BucketWidth } from '../../contract/usage.ts'
import { pageToken, readPageToken } from '../../ledger/page-token.ts'
import { endOfPage, type PageRequest } from '../../ledger/report-page.ts'
import type { Width } from '../../ledger/widths.ts'
import { seconds } from '../../world/world.ts'
import type { Call, Handlers } from '../call.ts'

/** The reports by their operations, as the ledger names them. */
export const reports = {
  completions: 'completions',
  decisions: 'decisions',
  embeddings: 'embeddings',
  moderations: 'moderations',
  images: 'images',
  audioSpeeches: 'audio_speeches',
  audioTranscriptions: 'audio_transcriptions',
  vectorStores: 'vector_stores',
  codeInterpreterSessions: 'code_interpreter_sessions',
  fileSearchCalls: 'file_searches',
  webSearchCalls: 'web_searches',
  costs: 'costs',
} as const satisfies Record<keyof typeof usage, PageRequest['report']>

/**
 * One handler for all: they differ in what they count, and that is the ledger's. The page comes as
 * finished text.
 */
export default Object.fromEntries(
  Object.entries(reports).map(([name, report]) => [
    name,
    (call: AnyCall) => call.report({ organization_id: call.organization_id, report, ...pageOf(call, report) }),
  ]),
) as unknown as Handlers<typeof usage>

type AnyCall = Pick<Call, 'organization_id' | 'world' | 'keys' | 'report'> & { query: Query }

interface Query {
  start_time: number
  end_time?: number | null
  bucket_width?: BucketWidth | null
  limit?: number | null
  page?: string | null
  group_by?: readonly string[] | null
  [filter: string]: unknown
}

const widths: Record<BucketWidth, Width> = { '1m': 'minute', '1h': 'hour', '1d': 'day' }

function pageOf(
  { query, world, keys }: AnyCall,
  report: PageRequest['report'],
): Omit<PageRequest, 'organization_id' | 'report'> {
  const { start_time, end_time, page, limit, bucket_width, group_by, ...rest } = query
  const size = bucket_width ?? '1d'
  const width = widths[size]
  const most = report === 'costs' ? mostCostBuckets[size] : mostBuckets[size]
  const buckets = requireFewBuckets(limit ?? defaultBuckets[size], most, size)
  const groups = [...new Set(group_by ?? [])]
  const filters = filtersOf(rest)
  // A page goes on with the same query; where it ends was fixed by the first one.
  const same = JSON.stringify([report, size, groups.toSorted(), filters, start_time, end_time ?? null])
  const { from, to } = page
    ? requireOwnToken(page, same, keys.peppers)
    : // The end is exclusive: what was used in this second belongs to it.
      { from: start_time, to: end_time ?? seconds(world) + 1 }
  const end = endOfPage(from, to, width, buckets)
  const next_page = end < to ? pageToken({ from: end, to }, same, keys.peppers) : null
  return { width, from, to: end, groups, filters, next_page }
}

/** Named in the singular, sorted, without those that are not given. */
function filtersOf(query: Record<string, unknown>): Record<string, readonly (string | boolean)[]> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(
    given
      .map(
        ([name, value]) => [name.replace(/s$/, ''), [value].flat().toSorted(byText)] as [string, (string | boolean)[]],
      )
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  )
}

function requireFewBuckets(limit: number, most: number, size: BucketWidth): number {
  if (limit <= most) return limit
  throw invalid(
    `Invalid 'limit': integer above maximum value. Expected at most ${most} buckets of ${size}, but got ${limit} instead.`,
    'limit',
    'integer_above_max_value',
  )
}

function requireOwnToken(token: string, query: string, peppers: AnyCall['keys']['peppers']) {
  const place = readPageToken(token, query, peppers)
  if (!place) throw invalid('The page token is invalid, have you modified the query parameters?', 'page')
  return place
}

const byText = (one: unknown, other: unknown) => (String(one) < String(other) ? -1 : 1)
