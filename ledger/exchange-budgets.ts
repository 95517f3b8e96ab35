/** The budgets in an exchange: locks them, records reports, grants money, and writes them back. */
import { sql as raw } from 'kysely'
import type { Sql } from '../database/types.ts'
import { budgetName, shareOf, type BudgetKey, type BudgetReport, type SharedBudget } from './budget.ts'
import type { Batch, BudgetOutcome } from './exchange-types.ts'
import { holdDeferred } from './deferred-rows.ts'
import { inOrder } from './exchange-windows.ts'

/** For this time after a request waited for money, no server holds money for requests to come. */
const WANTED_MILLISECONDS = 2_000

export interface OpenBudget {
  key: BudgetKey
  limit: number | null
  report: BudgetReport
  shared: SharedBudget
  /** What other servers hold for requests to come. */
  others: number
  admitted: number
  granted: number
  refused: boolean
  /** A request on this server waits for what other servers hold. */
  wanted: boolean
  wantedByOthers: boolean
}

/** Locks the budgets, and records what this server settled and holds. */
export async function openBudgets(sql: Sql, { budgets, server_id }: Batch, now: number) {
  const open = new Map<string, OpenBudget>()
  for (const { key, limit, report, told } of inOrder(budgets, budgetName)) {
    const reserved = report.in_flight + report.free + report.deferred - told.in_flight - told.free
    const shared = await sql
      .insertInto('budgets')
      .values({ ...key, settled: report.settled, reserved, burned: 0, admitted_at: 0, refused_at: 0, wanted_at: 0 })
      .onConflict((conflict) =>
        conflict.columns(['organization_id', 'project_id', 'month']).doUpdateSet({
          settled: raw<number>`budgets.settled + excluded.settled`,
          reserved: raw<number>`budgets.reserved + excluded.reserved`,
        }),
      )
      .returning(['settled', 'reserved', 'burned', 'wanted_at'])
      .executeTakeFirstOrThrow()
    const others = limit === null ? 0 : await freeOfOthers(sql, key, server_id)
    open.set(budgetName(key), {
      key,
      limit,
      report,
      shared,
      others,
      admitted: 0,
      granted: 0,
      refused: false,
      wanted: false,
      wantedByOthers: now - shared.wanted_at < WANTED_MILLISECONDS,
    })
  }
  return open
}

async function freeOfOthers(sql: Sql, { organization_id, project_id, month }: BudgetKey, server_id: string) {
  const { free } = await sql
    .selectFrom('holdings')
    .select(raw<number>`cast(coalesce(sum(free), 0) as bigint)`.as('free'))
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('month', '=', month)
    .where('server_id', '!=', server_id)
    .executeTakeFirstOrThrow()
  return free
}

export const roomOf = ({ limit, shared: { settled, reserved, burned } }: OpenBudget) =>
  limit === null ? Infinity : limit - settled - reserved - burned

export function grantMoney(budget: OpenBudget, servers: number): BudgetOutcome {
  const wanted = budget.wanted || budget.wantedByOthers
  const { limit, report, admitted } = budget
  // What it keeps is counted already.
  const share = limit === null ? 0 : shareOf(roomOf(budget) + report.free, servers)
  if (limit !== null && !budget.refused && !wanted)
    budget.granted = Math.max(0, Math.min(report.wanted, share - report.free))
  return { admitted, granted: budget.granted, share, wanted: budget.wantedByOthers }
}

export async function keepBudgets(sql: Sql, server_id: string, budgets: readonly OpenBudget[], now: number) {
  for (const { key, limit, report, admitted, granted, refused, wanted } of budgets) {
    const isAdmitting = limit !== null && !refused && (admitted > 0 || report.handedOut)
    if (granted > 0 || admitted > 0 || isAdmitting || refused || wanted)
      await sql
        .updateTable('budgets')
        .set({ reserved: raw<number>`reserved + ${admitted + granted}` })
        .$if(refused, (query) => query.set({ refused_at: now }))
        .$if(isAdmitting, (query) => query.set({ admitted_at: now }))
        .$if(wanted, (query) => query.set({ wanted_at: now }))
        .where('organization_id', '=', key.organization_id)
        .where('project_id', '=', key.project_id)
        .where('month', '=', key.month)
        .execute()
    if (report.deferred > 0) await holdDeferred(sql, key, report.deferred)
    const held = { in_flight: report.in_flight + admitted, free: report.free + granted }
    if (held.in_flight === 0 && held.free === 0)
      await sql
        .deleteFrom('holdings')
        .where('server_id', '=', server_id)
        .where('organization_id', '=', key.organization_id)
        .where('project_id', '=', key.project_id)
        .where('month', '=', key.month)
        .execute()
    else
      await sql
        .insertInto('holdings')
        .values({ server_id, ...key, ...held })
        .onConflict((conflict) =>
          conflict.columns(['server_id', 'organization_id', 'project_id', 'month']).doUpdateSet(held),
        )
        .execute()
  }
}
