/**
 * Gives back money that servers held when they were killed, because the operator decides that it
 * was not spent. Until then it counts against the limits of the month.
 */
import type { BudgetRow } from '../database/ledger-tables.ts'
import type { Database, Sql } from '../database/types.ts'
import { dollarsOf } from '../contract/money.ts'
import type { Peppers } from '../keys/digest.ts'
import { forgetRefusal, presentMonth } from '../ledger/budget-status.ts'
import type { World } from '../world/world.ts'
import { recordOnHost } from './bootstrap.ts'

export interface GivenBack {
  organization_id: string
  /** Null for the organization's own. */
  project_id: string | null
  dollars: number
}

/** Of a project, or of the whole organization with all its projects; of this month. */
export async function giveBackBurned(
  database: Database,
  peppers: Peppers,
  world: World,
  project_id: string | null,
): Promise<GivenBack[]> {
  return database.write(async (sql) => {
    const month = await presentMonth(sql, database.engine)
    const burned = await sql
      .selectFrom('budgets')
      .selectAll()
      .where('month', '=', month)
      .where('burned', '>', 0)
      .$if(project_id !== null, (query) => query.where('project_id', '=', project_id!))
      // The order in which servers lock them.
      .orderBy('organization_id')
      .orderBy('project_id')
      .execute()
    const given: GivenBack[] = []
    for (const budget of burned) given.push(await giveBack(sql, peppers, world, budget))
    return given
  })
}

async function giveBack(sql: Sql, peppers: Peppers, world: World, budget: BudgetRow): Promise<GivenBack> {
  const { organization_id, project_id, month, burned } = budget
  const limit = await sql
    .selectFrom('spend_limits')
    .select('threshold_amount')
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .executeTakeFirst()
  // What other servers add meanwhile stays.
  await sql
    .updateTable('budgets')
    .set(({ eb }) => ({ burned: eb('burned', '-', burned) }))
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('month', '=', month)
    .execute()
  await forgetRefusal(sql, budget)
  const given_back = dollarsOf(burned)
  const payload = {
    id: project_id || organization_id,
    threshold_amount: limit?.threshold_amount ?? null,
    given_back,
  }
  const event = { type: 'tenant.billing.overage_limit.updated' as const, payload, project_id: project_id || null }
  await recordOnHost(sql, peppers, world, organization_id, [event])
  return { organization_id, project_id: project_id || null, dollars: given_back }
}
