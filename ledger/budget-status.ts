/** The status of a budget, for the API. */
import type { BudgetRow } from '../database/ledger-tables.ts'
import { readClock } from '../database/clock.ts'
import type { Sql } from '../database/types.ts'
import type { BudgetKey } from './budget.ts'
import { nanoOfCents } from '../contract/money.ts'
import { monthOf } from './usage-counts.ts'

/**
 * The month whose budgets are used now, such as `2026-11`: by the database's clock, as the ledger
 * counts, whatever the clock of this server says.
 */
export const presentMonth = async (sql: Sql, engine: 'sqlite' | 'postgres'): Promise<string> =>
  monthOf(await readClock(sql, engine))

export async function budgetOf(sql: Sql, { organization_id, project_id, month }: BudgetKey) {
  const row = await sql
    .selectFrom('budgets')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('month', '=', month)
    .executeTakeFirst()
  return row ?? { settled: 0, reserved: 0, burned: 0, admitted_at: 0, refused_at: 0 }
}

/** Called when the limit changes: a refusal under the old one does not count any more. */
export async function forgetRefusal(sql: Sql, { organization_id, project_id, month }: BudgetKey) {
  await sql
    .updateTable('budgets')
    .set({ refused_at: 0 })
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('month', '=', month)
    .execute()
}

/**
 * Whether a limit stops requests: it is reached, or the last request that was decided under it was
 * refused because it could have passed it. `threshold` in cents.
 */
export async function isEnforcing(sql: Sql, key: BudgetKey, threshold: number): Promise<boolean> {
  return refusesRequests(await budgetOf(sql, key), threshold)
}

/** The same of a budget that was read. */
export const refusesRequests = (
  { settled, burned, admitted_at, refused_at }: Pick<BudgetRow, 'settled' | 'burned' | 'admitted_at' | 'refused_at'>,
  threshold: number,
): boolean => settled + burned >= nanoOfCents(threshold) || refused_at > admitted_at
