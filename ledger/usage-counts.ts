/** What was used, and by whom: counts by series. They are summed up by minute, hour and day. */
export type UsageKind =
  | 'completions'
  | 'decisions'
  | 'embeddings'
  | 'moderations'
  | 'images'
  | 'audio_speeches'
  | 'audio_transcriptions'
  | 'file_searches'
  | 'web_searches'

/** Who used what: everything that a report can be grouped or filtered by. */
export interface Series {
  organization_id: string
  kind: UsageKind
  project_id: string
  /** The person or service account that owns the key. */
  user_id: string
  api_key_id: string
  model: string
  /** Empty where the upstream named none. */
  service_tier: string
  batch: 0 | 1
  /**
   * Of images `size source`, of web searches the context size, of file searches the vector store;
   * else empty.
   */
  detail: string
  /** 1 where the upstream reported nothing and Keyhall counted by itself. */
  estimated: 0 | 1
  /** 0 where no price was configured when it was used: what it cost is not known. */
  priced: 0 | 1
}

export const seriesColumns = [
  'organization_id',
  'kind',
  'project_id',
  'user_id',
  'api_key_id',
  'model',
  'service_tier',
  'batch',
  'detail',
  'estimated',
  'priced',
] as const satisfies readonly (keyof Series)[]

/** Tokens, units (images, characters, seconds or calls, by kind) and nano-dollars. */
export const countColumns = [
  'requests',
  'input',
  'output',
  'cached',
  'cache_write',
  'cache_write_12h',
  'audio_input',
  'audio_output',
  'image_input',
  'image_output',
  'cached_audio',
  'cached_image',
  'units',
  'cost_input',
  'cost_cached',
  'cost_cache_write',
  'cost_output',
  'cost_units',
] as const
export type CountColumn = (typeof countColumns)[number]

/** What is not named is zero. */
export type Counts = Partial<Record<CountColumn, number>>

export const costOf = ({
  cost_input = 0,
  cost_cached = 0,
  cost_cache_write = 0,
  cost_output = 0,
  cost_units = 0,
}: Counts) => cost_input + cost_cached + cost_cache_write + cost_output + cost_units

export function addCounts(sum: Counts, more: Counts) {
  for (const column in more) {
    const count = more[column as CountColumn]
    if (count) sum[column as CountColumn] = (sum[column as CountColumn] ?? 0) + count
  }
}

/** Each request asks several times for the name of its series. */
const names = new WeakMap<Series, string>()

export function seriesName(series: Series): string {
  let name = names.get(series)
  if (name === undefined) names.set(series, (name = seriesColumns.map((column) => series[column]).join('\0')))
  return name
}

/**
 * The series that stands for those beyond the bound: the names that clients choose are `other`; the
 * second word of an image's `detail` is a path of ours.
 */
export const otherSeries = (series: Series): Series => ({
  ...series,
  model: OTHER,
  service_tier: series.service_tier && OTHER,
  detail:
    series.detail && [OTHER, ...series.detail.split(' ').slice(series.kind === 'images' ? -1 : Infinity)].join(' '),
})
export const OTHER = 'other'

export interface UsageRow {
  series: Series
  /** Minutes since 1970, UTC. */
  minute: number
  counts: Counts
  /** What the database knew of these requests when they ended. */
  told?: Told
}

/** `perhaps`: it was told that they run, and has not answered yet. */
export type Told = 'nothing' | 'perhaps' | 'that they run'

/** Requests of one series that are running, and what they may cost at most. */
export interface InFlightRow {
  series: Series
  month: string
  requests: number
  amount: number
}

/** The month that was asked for last: each request asks several times, mostly for the same one. */
let lastMonth = { begin: 0, end: 0, name: '' }

/** `2026-11`, UTC, of milliseconds since 1970. */
export function monthOf(milliseconds: number): string {
  const isLast = milliseconds >= lastMonth.begin && milliseconds < lastMonth.end
  if (!isLast) {
    const at = new Date(milliseconds)
    const name = at.toISOString().slice(0, 7)
    lastMonth = { begin: Date.UTC(at.getUTCFullYear(), at.getUTCMonth()), end: monthAfter(milliseconds), name }
  }
  return lastMonth.name
}

/** The moment at which the month after this one begins, in milliseconds since 1970. */
export function monthAfter(milliseconds: number): number {
  const at = new Date(milliseconds)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1)
}

export const runningName = ({ series, month }: Pick<InFlightRow, 'series' | 'month'>) =>
  `${month}\0${seriesName(series)}`
