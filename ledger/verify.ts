/**
 * Whether the ledger agrees with itself: sums of budgets, of what servers hold, and of usage at its
 * three widths.
 */
import { sql as raw } from 'kysely'
import type { Sql } from '../database/types.ts'

export interface BudgetCheck {
  organization_id: string
  project_id: string
  settled: number
  reserved: number
  burned: number
  /** What servers hold, by their own rows. */
  held: number
  /** Of that, for running requests; and the same by series. */
  held_in_flight: number
  in_flight: number
  cost_minutes: number
  cost_hours: number
  cost_days: number
}

/**
 * Every budget of a month (`2026-11`) and the sums that it should agree with, all of one moment.
 */
export async function budgetChecks(sql: Sql, month: string): Promise<BudgetCheck[]> {
  const from = Date.parse(`${month}-01T00:00:00Z`) / 60_000
  const begin = new Date(from * 60_000)
  const to = Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth() + 1) / 60_000
  const ofBudget = raw`series.organization_id = b.organization_id
    and (b.project_id = '' or series.project_id = b.project_id)`
  const cost = (table: string) => raw<number>`(
    select cast(coalesce(sum(coalesce(u.cost_input, 0) + coalesce(u.cost_cached, 0) + coalesce(u.cost_cache_write, 0)
      + coalesce(u.cost_output, 0) + coalesce(u.cost_units, 0)), 0) as bigint)
    from ${raw.table(table)} u join usage_series series on series.id = u.series_id
    where ${ofBudget} and u.at >= ${from} and u.at < ${to})`
  const held = (what: string) => raw<number>`(
    select cast(coalesce(sum(${raw.raw(what)}), 0) as bigint) from holdings h
    where h.organization_id = b.organization_id and h.project_id = b.project_id and h.month = b.month)`
  const { rows } = await raw<BudgetCheck>`
    select b.organization_id, b.project_id, b.settled, b.reserved, b.burned,
      ${held('h.in_flight + h.free')} as held,
      ${held('h.in_flight')} as held_in_flight,
      (select cast(coalesce(sum(f.amount), 0) as bigint)
        from in_flight f left join usage_series series on series.id = f.series_id and f.series is null
        where coalesce(f.organization_id, series.organization_id) = b.organization_id
          and (b.project_id = '' or coalesce(f.project_id, series.project_id) = b.project_id)
          and f.month = b.month) as in_flight,
      ${cost('usage_minutes')} as cost_minutes,
      ${cost('usage_hours')} as cost_hours,
      ${cost('usage_days')} as cost_days
    from budgets b where b.month = ${month}`.execute(sql)
  return rows
}

/**
 * What is wrong with a budget, as sentences; none for one that agrees. `limit` is in nano-dollars,
 * null for none. `isKept` says which widths are not pruned; days never are.
 */
export function disagreements(
  check: BudgetCheck,
  limit: number | null,
  isKept: { minutes: boolean; hours: boolean } = { minutes: true, hours: true },
): string[] {
  const { settled, reserved, burned, held, held_in_flight, in_flight, cost_minutes, cost_hours, cost_days } = check
  const of = check.project_id === '' ? check.organization_id : `${check.organization_id} ${check.project_id}`
  const problems: string[] = []
  if (limit !== null && settled + reserved + burned > limit)
    problems.push(
      `${of}: ${settled} settled, ${reserved} reserved and ${burned} burned are more than the limit of ${limit}`,
    )
  if (reserved !== held) problems.push(`${of}: ${reserved} are reserved, and servers hold ${held}`)
  if (in_flight > held_in_flight)
    problems.push(`${of}: requests for ${in_flight} run, and ${held_in_flight} are held for them`)
  if (settled !== cost_days) problems.push(`${of}: ${settled} are settled, and the days cost ${cost_days}`)
  if (isKept.hours && cost_hours !== cost_days)
    problems.push(`${of}: the hours cost ${cost_hours}, the days ${cost_days}`)
  if (isKept.minutes && cost_minutes !== cost_days)
    problems.push(`${of}: the minutes cost ${cost_minutes}, the days ${cost_days}`)
  if (Math.min(settled, reserved, burned) < 0) problems.push(`${of}: an amount is negative`)
  return problems
}
