/** Counts of what was used, by series. They are summed up by minute, hour and day. */
import type { NewDeferred } from './exchange-types.ts'

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
const OTHER = 'other'

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

/** More rows than this are not kept apart while the database cannot be reached. */
const MOST_ROWS = 20_000

/** Usage that is not in the database yet. */
export class PendingUsage {
  #rows = new Map<string, UsageRow>()
  readonly #inFlight = new Map<string, InFlightRow>()
  #changed = new Set<InFlightRow>()
  #deferred: NewDeferred[] = []
  /** The rows that a series changed last, so that most requests need no name to find them. */
  #last = new WeakMap<Series, { row: UsageRow | null; running: InFlightRow | null }>()
  /** How many reports were taken, and how many of them are in the database. */
  #reports = 0
  #happened = 0

  /** A moment: what begins now is in the next report. */
  get reports() {
    return this.#reports
  }

  /** What the database knows of a request that began then. */
  toldOf(begun: number): Told {
    return begun >= this.#reports ? 'nothing' : begun >= this.#happened ? 'perhaps' : 'that they run'
  }

  /** Called when all reports are in the database. */
  happened() {
    this.#happened = this.#reports
    const rows = [...this.#rows.values()].filter(({ told }) => told === 'perhaps')
    if (rows.length === 0) return
    this.#last = new WeakMap()
    for (const row of rows) this.#rows.delete(rowName(row))
    for (const { series, minute, counts } of rows) this.add(series, minute * 60_000, counts)
  }

  add(series: Series, milliseconds: number, counts: Counts, told: Told = 'that they run'): void {
    const minute = Math.floor(milliseconds / 60_000)
    const last = this.#lastOf(series)
    if (last.row?.minute === minute && last.row.told === told) return addCounts(last.row.counts, counts)
    const name = rowName({ series, minute, told })
    let row = this.#rows.get(name)
    if (!row && this.#rows.size >= MOST_ROWS && series.model !== OTHER)
      return this.add(otherSeries(series), milliseconds, counts, told)
    if (row) addCounts(row.counts, counts)
    else this.#rows.set(name, (row = { series, minute, counts: { ...counts }, told }))
    last.row = row
  }

  #lastOf(series: Series) {
    let last = this.#last.get(series)
    if (!last) this.#last.set(series, (last = { row: null, running: null }))
    return last
  }

  begin(series: Series, month: string, amount: number) {
    this.#change(series, month, 1, amount)
  }

  end(series: Series, month: string, amount: number) {
    this.#change(series, month, -1, -amount)
  }

  #change(series: Series, month: string, requests: number, amount: number) {
    const last = this.#lastOf(series)
    const row = last.running?.month === month ? last.running : (last.running = this.#running(series, month))
    row.requests += requests
    row.amount += amount
    this.#changed.add(row)
  }

  #running(series: Series, month: string): InFlightRow {
    const name = runningName({ series, month })
    let row = this.#inFlight.get(name)
    if (!row) this.#inFlight.set(name, (row = { series, month, requests: 0, amount: 0 }))
    return row
  }

  /** Notes a request whose result comes later; the database takes it over. */
  defer(request: NewDeferred) {
    this.#deferred.push(request)
  }

  /** Whether the request that waits for the result with this id is not written yet. */
  defers(result_id: string) {
    return this.#deferred.some((one) => one.result_id === result_id)
  }

  /** How many series have requests that run, here or by the database. */
  get runs() {
    return this.#inFlight.size
  }

  get isEmpty() {
    return this.#rows.size === 0 && this.#changed.size === 0 && this.#deferred.length === 0
  }

  /** Takes what is to be written next, so that it is written once. */
  take(): { usage: UsageRow[]; inFlight: InFlightRow[]; deferred: NewDeferred[] } {
    const usage = [...this.#rows.values()]
    const deferred = this.#deferred
    this.#deferred = []
    this.#rows = new Map()
    const inFlight = [...this.#changed].map((row) => ({ ...row }))
    for (const row of this.#changed) if (row.requests === 0) this.#inFlight.delete(runningName(row))
    this.#changed = new Set()
    this.#last = new WeakMap()
    this.#reports++
    return { usage, inFlight, deferred }
  }

  /**
   * Called when the database has settled what it knew to run here. Keeps what was used by requests
   * that it never heard of, also of a report that did not happen. Requests that began at
   * `begunSince` or later and still run are such, too.
   */
  startAnew(lost: readonly UsageRow[]): { begunSince: number; kept: UsageRow[] } {
    const begunSince = this.#happened
    const rows = [...lost.filter(({ told }) => told === 'nothing'), ...this.#rows.values()]
    const kept = rows.filter(({ told }) => told !== 'that they run')
    this.take()
    this.#happened = this.#reports
    this.#inFlight.clear()
    for (const { series, minute, counts } of kept) this.add(series, minute * 60_000, counts, 'nothing')
    return { begunSince, kept }
  }
}

const rowName = ({ series, minute, told }: Pick<UsageRow, 'series' | 'minute' | 'told'>) =>
  `${minute}\0${told}\0${seriesName(series)}`
const runningName = ({ series, month }: Pick<InFlightRow, 'series' | 'month'>) => `${month}\0${seriesName(series)}`
