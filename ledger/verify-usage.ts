/** Whether usage has the same sums by minute, by hour and by day. */
import { sql as raw } from 'kysely'
import type { Sql } from '../database/types.ts'
import { keptUsage } from './kept-usage.ts'
import { countColumns, type CountColumn } from './usage-counts.ts'

const widths = ['usage_minutes', 'usage_hours', 'usage_days'] as const
type Width = (typeof widths)[number]

type Sums = { organization_id: string; width: Width } & Record<CountColumn, number>

/**
 * The disagreements within a month (`2026-11`), as sentences. Old minutes and hours are pruned, so
 * they are compared from the first day on of which all are kept.
 */
export async function usageDisagreements(sql: Sql, month: string): Promise<string[]> {
  const [begin, end] = minutesOf(month)
  const problems: string[] = []
  for (const width of ['usage_minutes', 'usage_hours'] as const) {
    const from = Math.max(begin, await keptSince(sql, width))
    if (from >= end) continue
    const sums = await sumsOf(sql, [width, 'usage_days'], from, end)
    for (const [organization_id, all] of Map.groupBy(sums, (row) => row.organization_id))
      for (const column of countColumns) {
        const [own, days] = [width, 'usage_days'].map((name) => all.find((row) => row.width === name)?.[column] ?? 0)
        if (own !== days)
          problems.push(
            `${organization_id}: ${column} is ${own} in ${width} and ${days} in usage_days since ${dayOf(from)}`,
          )
      }
  }
  return problems
}

/** Whether nothing of a width was pruned since a month began. */
export const isWhole = async (sql: Sql, width: 'usage_minutes' | 'usage_hours', month: string) =>
  (await keptSince(sql, width)) <= minutesOf(month)[0]

/** The minute from which on a width has everything; 0 for always. */
const keptSince = async (sql: Sql, width: 'usage_minutes' | 'usage_hours'): Promise<number> =>
  (await keptUsage(sql))[width === 'usage_minutes' ? 'minute' : 'hour']

function minutesOf(month: string): [begin: number, end: number] {
  const begin = new Date(`${month}-01T00:00:00Z`)
  return [begin.getTime() / 60_000, Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth() + 1) / 60_000]
}

const dayOf = (minute: number) => new Date(minute * 60_000).toISOString().slice(0, 10)

/** One statement for all, so that it sees one moment. */
async function sumsOf(sql: Sql, tables: readonly Width[], from: number, to: number): Promise<Sums[]> {
  const columns = countColumns.map(
    (column) => raw`cast(coalesce(sum(${raw.ref(column)}), 0) as bigint) as ${raw.ref(column)}`,
  )
  const parts = tables.map(
    (table) => raw`
      select series.organization_id, ${raw.lit(table)} as width, ${raw.join(columns)}
      from ${raw.table(table)} u join usage_series series on series.id = u.series_id
      where u.at >= ${from} and u.at < ${to} group by series.organization_id`,
  )
  return (await raw<Sums>`${raw.join(parts, raw` union all `)}`.execute(sql)).rows
}
