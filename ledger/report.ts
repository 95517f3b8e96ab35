/** The statement of a report: usage in buckets of time. */
import { sql as raw, type RawBuilder } from 'kysely'
import type { Kept } from './kept-usage.ts'
import { partsOf } from './report-parts.ts'
import type { CountColumn, Series } from './usage-counts.ts'
import { minutesOf, tables, type Width } from './widths.ts'

/** What a report can be grouped by and filtered by. */
export type Dimension = Exclude<keyof Series, 'organization_id'>

export interface ReportQuery {
  organization_id: string
  /** Null for all kinds. */
  kind: string | null
  width: Width
  /** Unix seconds; `to` is exclusive. */
  from: number
  to: number
  groups: readonly Dimension[]
  columns: readonly CountColumn[]
  /** Only series with one of these values. */
  filters: Partial<Record<Dimension, readonly (string | number)[]>>
}

/** One bucket and combination of groups; a column in which nothing was counted is null. */
export type ReportRow = { bucket: number } & Partial<Record<Dimension, string | number>> &
  Partial<Record<CountColumn, number | null>>

/** Its rows are ordered by bucket; `bucket` is its begin in minutes since 1970. */
export function reportStatement(query: ReportQuery, kept: Kept): RawBuilder<ReportRow> {
  const { organization_id, kind, width, groups, columns, filters } = query
  const minutes = minutesOf[width]
  const names = raw.join(columns.map((column) => raw.ref(column)))
  const parts = partsOf(width, Math.ceil(query.from / 60), Math.ceil(query.to / 60), kept).map(
    ({ table, begin, end }) =>
      raw`select at, series_id, ${names} from ${raw.table(tables[table])} where at >= ${begin} and at < ${end}`,
  )
  // A range in which no minute begins has no parts.
  const used = parts.length > 0 ? parts : [raw`select at, series_id, ${names} from usage_minutes where at < 0`]
  const conditions = [
    raw`series.organization_id = ${organization_id}`,
    ...(kind === null ? [] : [raw`series.kind = ${kind}`]),
    ...Object.entries(filters).map(
      ([dimension, values]) => raw`${raw.ref(`series.${dimension}`)} in (${raw.join(values)})`,
    ),
  ]
  const bucket = raw`used.at - used.at % ${raw.lit(minutes)}`
  const dimensions = groups.map((dimension) => raw.ref(`series.${dimension}`))
  return raw<ReportRow>`
    select ${raw.join([
      raw`${bucket} as bucket`,
      ...dimensions,
      ...columns.map((column) => raw`cast(sum(used.${raw.ref(column)}) as bigint) as ${raw.ref(column)}`),
    ])}
    from (${raw.join(used, raw` union all `)}) used
    join usage_series series on series.id = used.series_id
    where ${raw.join(conditions, raw` and `)}
    group by ${raw.join([raw`1`, ...dimensions])}
    order by ${raw.join([raw`1`, ...dimensions])}`
}
