/**
 * Makes the text of a page of a report from rows of the roll-ups. It has no other input, so a
 * Worker can run it.
 */
import { costResults, costColumns, costDimensions } from './cost-results.ts'
import type { Dimension, ReportQuery, ReportRow } from './report.ts'
import { usageColumns, usageDimensions, usageResults, type UsageReport } from './usage-results.ts'
import { minutesOf, type Width } from './widths.ts'

/** All input for a page, as plain data. */
export interface PageRequest {
  organization_id: string
  report: UsageReport | 'costs'
  width: Width
  /** Unix seconds; `to` is exclusive. */
  from: number
  to: number
  /** As the API names them. */
  groups: readonly string[]
  /** By the names of the query, in the singular. */
  filters: Readonly<Record<string, readonly (string | boolean)[]>>
  next_page: string | null
}

/** The query for the rows of the page. */
export function queryOf({ organization_id, report, width, from, to, groups, filters }: PageRequest): ReportQuery {
  const dimensions = report === 'costs' ? costDimensions(groups) : usageDimensions(report, groups, filters)
  const series: Partial<Record<Dimension, readonly (string | number)[]>> = {}
  for (const [name, values] of Object.entries(filters)) {
    const dimension = directly[name]
    if (dimension) series[dimension] = values.map((value) => (typeof value === 'boolean' ? Number(value) : value))
  }
  return {
    organization_id,
    kind: report === 'costs' ? null : report,
    width,
    from,
    to,
    groups: dimensions,
    columns: report === 'costs' ? costColumns : usageColumns(report),
    filters: series,
  }
}

/** Filters that are a column of the series. The others are applied to the results. */
const directly: Record<string, Dimension> = {
  project_id: 'project_id',
  user_id: 'user_id',
  api_key_id: 'api_key_id',
  model: 'model',
  batch: 'batch',
  vector_store_id: 'detail',
  context_level: 'detail',
}

/** The text of the page in parts, one for each bucket, so that the text is not held twice. */
export function* pageText(request: PageRequest, rows: readonly ReportRow[]): Generator<string> {
  const { report, groups, filters, next_page } = request
  yield '{"object":"page","data":['
  let at = 0
  let separator = ''
  for (const { start_time, end_time, first } of buckets(request)) {
    const begin = at
    while (at < rows.length && rows[at]!.bucket === first) at++
    const own = rows.slice(begin, at)
    const results = report === 'costs' ? costResults(own, groups, filters) : usageResults(report, own, groups, filters)
    yield separator + JSON.stringify({ object: 'bucket', start_time, end_time, results })
    separator = ','
  }
  yield `],"has_more":${next_page !== null},"next_page":${JSON.stringify(next_page)}}`
}

/**
 * The buckets between two moments, in Unix seconds. They begin and end on whole minutes, hours or
 * days, but for the first begin and the last end. `first` is the row of the roll-up: minutes since
 * 1970.
 */
export function* buckets({ from, to, width }: Pick<PageRequest, 'from' | 'to' | 'width'>) {
  const seconds = minutesOf[width] * 60
  for (let start_time = from; start_time < to;) {
    const begin = start_time - (start_time % seconds)
    const end_time = Math.min(begin + seconds, to)
    yield { start_time, end_time, first: begin / 60 }
    start_time = end_time
  }
}

/** Where a page of `most` buckets ends. */
export function endOfPage(from: number, to: number, width: Width, most: number): number {
  const seconds = minutesOf[width] * 60
  return Math.min(to, from - (from % seconds) + most * seconds)
}
