/** What a server has to report of usage: what was used since the last report, and what runs. */
import type { Batch, NewDeferred } from './exchange-types.ts'
import {
  addCounts,
  OTHER,
  otherSeries,
  runningName,
  seriesName,
  type Counts,
  type InFlightRow,
  type Series,
  type Told,
  type UsageRow,
} from './usage-counts.ts'

/** What a server that was taken for dead still reports; see `startAnew`. */
export interface Kept extends Pick<Batch, 'usage' | 'deferred'> {
  begunSince: number
}

/** `told` is what the last report said of it. */
interface Running extends InFlightRow {
  told: Pick<InFlightRow, 'requests' | 'amount'>
}

/** More rows than this are not kept apart while the database cannot be reached. */
const MOST_ROWS = 20_000

/** Usage that is not in the database yet. */
export class PendingUsage {
  #rows = new Map<string, UsageRow>()
  readonly #inFlight = new Map<string, Running>()
  #changed = new Set<Running>()
  #deferred: NewDeferred[] = []
  /** The rows that a series changed last, so that most requests need no name to find them. */
  #last = new WeakMap<Series, { row: UsageRow | null; running: Running | null }>()
  /** How many reports were taken, and how many of them are in the database. */
  #reports = 0
  #happened = 0
  /** Requests whose usage is estimated and in the database. */
  estimated = 0
  /** Those in reports that were taken and may not be in the database yet. */
  #maybeEstimated = 0

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
    this.estimated += this.#maybeEstimated
    this.#maybeEstimated = 0
    for (const request of this.#deferred) if (request.told === 'perhaps') request.told = 'that they run'
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

  /** A request begins of which the database knows: the last report's exchange admitted it. */
  beginTold(series: Series, month: string, amount: number) {
    const row = this.#running(series, month)
    for (const sum of [row, row.told]) {
      sum.requests++
      sum.amount += amount
    }
  }

  /** What runs of a series by the last report. */
  told(series: Series, month: string): InFlightRow {
    const row = this.#inFlight.get(runningName({ series, month }))
    return { series, month, ...(row?.told ?? { requests: 0, amount: 0 }) }
  }

  /** The database may know of something else than what runs: the next report says what does. */
  tellAgain(series: Series, month: string) {
    this.#changed.add(this.#running(series, month))
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

  #running(series: Series, month: string): Running {
    const name = runningName({ series, month })
    let row = this.#inFlight.get(name)
    if (!row)
      this.#inFlight.set(name, (row = { series, month, requests: 0, amount: 0, told: { requests: 0, amount: 0 } }))
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
    for (const { series, counts } of usage) if (series.estimated) this.#maybeEstimated += counts.requests ?? 0
    const deferred = this.#deferred
    this.#deferred = []
    this.#rows = new Map()
    const inFlight = [...this.#changed].map((row) => {
      row.told = { requests: row.requests, amount: row.amount }
      return { series: row.series, month: row.month, ...row.told }
    })
    for (const row of this.#changed) if (row.requests === 0) this.#inFlight.delete(runningName(row))
    this.#changed = new Set()
    this.#last = new WeakMap()
    this.#reports++
    return { usage, inFlight, deferred }
  }

  /**
   * Called when the database has settled what it knew to run here. Keeps what was used by requests
   * that it never heard of, and those of them whose result comes later, also of a report that did
   * not happen (`lost`). Requests that began at `begunSince` or later and still run are such, too.
   */
  startAnew(lost: Pick<Batch, 'usage' | 'deferred'> | null): Kept {
    const begunSince = this.#happened
    const untold = <One extends { told?: Told }>(lost: readonly One[], unsent: Iterable<One>) => [
      ...lost.filter(({ told }) => told === 'nothing'),
      ...[...unsent].filter(({ told }) => told !== 'that they run'),
    ]
    const usage = untold(lost?.usage ?? [], this.#rows.values())
    const deferred = untold(lost?.deferred ?? [], this.#deferred)
    this.take()
    this.#happened = this.#reports
    this.#maybeEstimated = 0
    this.#inFlight.clear()
    for (const { series, minute, counts } of usage) this.add(series, minute * 60_000, counts, 'nothing')
    for (const request of deferred) this.defer({ ...request, told: 'nothing' })
    return { begunSince, usage, deferred }
  }
}

const rowName = ({ series, minute, told }: Pick<UsageRow, 'series' | 'minute' | 'told'>) =>
  `${minute}\0${told}\0${seriesName(series)}`
