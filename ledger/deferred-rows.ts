/**
 * Requests whose result comes later (batches, background responses) in the database. What they may
 * cost is held under a name that is no server's, so that it is neither given back nor settled when
 * a server ends.
 */
import { sql as raw } from 'kysely'
import type { DeferredRequestRow } from '../database/ledger-tables.ts'
import type { Sql } from '../database/types.ts'
import { newId } from '../world/random.ts'
import type { World } from '../world/world.ts'
import type { Deferral } from './admission.ts'
import type { Ask } from './ask.ts'
import type { BudgetKey } from './budget.ts'
import type { NewDeferred } from './exchange-types.ts'
import { costOf, type Counts, type Series, type Told } from './usage-counts.ts'
import { seriesId } from './series-rows.ts'
import { inFlightRow, rollUp } from './usage-rows.ts'

/**
 * The name in the place of a server's id. No row of `ledger_servers` has it, so it never counts as
 * dead.
 */
export const DEFERRED = 'deferred'
/** After this time Keyhall asks for a result by itself. */
const FIRST_LOOK_MILLISECONDS = 60_000

interface Begun {
  ask: Ask
  month: string
  at: number
  deferral: Deferral
  told: Told
}

export const newDeferred = ({ ask, month, at, deferral, told }: Begun, world: World): NewDeferred => ({
  ...deferral,
  told,
  id: newId('deferred_', world),
  organization_id: ask.organization_id,
  project_id: ask.project_id,
  month,
  amount: ask.bound,
  admitted_at: at,
  series: JSON.stringify(ask.series),
})

/**
 * Called in the exchange in which a server hands the money over: the sum of what is reserved does
 * not change.
 */
export async function holdDeferred(sql: Sql, key: BudgetKey, amount: number) {
  await sql
    .insertInto('holdings')
    .values({ server_id: DEFERRED, ...key, in_flight: amount, free: 0 })
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'organization_id', 'project_id', 'month'])
        .doUpdateSet({ in_flight: raw<number>`holdings.in_flight + excluded.in_flight` }),
    )
    .execute()
}

/** `now` is the database's clock. */
export async function keepDeferred(sql: Sql, requests: readonly NewDeferred[], now: number) {
  for (const { patience_milliseconds, told: _, ...request } of requests) {
    const { month, amount } = request
    await sql
      .insertInto('in_flight')
      .values({ server_id: DEFERRED, ...inFlightRow({ series: seriesIn(request), month, requests: 1, amount }) })
      .onConflict((conflict) =>
        conflict.columns(['server_id', 'series_id', 'month']).doUpdateSet({
          requests: raw<number>`in_flight.requests + excluded.requests`,
          amount: raw<number>`in_flight.amount + excluded.amount`,
        }),
      )
      .execute()
    const times = { look_at: now + FIRST_LOOK_MILLISECONDS, give_up_at: now + patience_milliseconds }
    await sql
      .insertInto('deferred_requests')
      .values({ ...request, ...times })
      .execute()
  }
}

/**
 * Called when the result is there: replaces what was reserved by what it used. Returns false, and
 * changes nothing, when it was settled already.
 */
export async function settleDeferred(
  sql: Sql,
  engine: 'sqlite' | 'postgres',
  row: DeferredRequestRow,
  uses: readonly { series: Series; counts: Counts }[],
): Promise<boolean> {
  const taken = await sql.deleteFrom('deferred_requests').where('id', '=', row.id).returning('id').execute()
  if (taken.length === 0) return false
  const { organization_id, month, amount } = row
  const cost = uses.reduce((sum, { counts }) => sum + costOf(counts), 0)
  // The organization's budget first: the order in which exchanges lock.
  for (const project_id of ['', row.project_id]) {
    const key = { organization_id, project_id, month }
    await settleBudget(sql, key, amount, cost)
    if (amount > 0) await release(sql, key, amount)
  }
  await endInFlight(sql, seriesId(seriesIn(row)), month, amount)
  const minute = Math.floor(row.admitted_at / 60_000)
  await rollUp(
    sql,
    engine,
    uses.map((use) => ({ ...use, minute })),
  )
  return true
}

export const seriesIn = ({ series }: Pick<DeferredRequestRow, 'series'>) => JSON.parse(series) as Series

/** Where nothing was reserved, there may be no row yet. */
const settleBudget = (sql: Sql, key: BudgetKey, amount: number, cost: number) =>
  sql
    .insertInto('budgets')
    .values({ ...key, settled: cost, reserved: -amount, burned: 0, admitted_at: 0, refused_at: 0, wanted_at: 0 })
    .onConflict((conflict) =>
      conflict.columns(['organization_id', 'project_id', 'month']).doUpdateSet({
        settled: raw<number>`budgets.settled + excluded.settled`,
        reserved: raw<number>`budgets.reserved + excluded.reserved`,
      }),
    )
    .execute()

async function release(sql: Sql, { organization_id, project_id, month }: BudgetKey, amount: number) {
  const { in_flight } = await sql
    .updateTable('holdings')
    .set({ in_flight: raw<number>`in_flight - ${amount}` })
    .where('server_id', '=', DEFERRED)
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('month', '=', month)
    .returning('in_flight')
    .executeTakeFirstOrThrow()
  if (in_flight > 0) return
  await sql
    .deleteFrom('holdings')
    .where('server_id', '=', DEFERRED)
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .where('month', '=', month)
    .execute()
}

async function endInFlight(sql: Sql, series_id: number, month: string, amount: number) {
  const { requests } = await sql
    .updateTable('in_flight')
    .set({ requests: raw<number>`requests - 1`, amount: raw<number>`amount - ${amount}` })
    .where('server_id', '=', DEFERRED)
    .where('series_id', '=', series_id)
    .where('month', '=', month)
    .returning('requests')
    .executeTakeFirstOrThrow()
  if (requests > 0) return
  await sql
    .deleteFrom('in_flight')
    .where('server_id', '=', DEFERRED)
    .where('series_id', '=', series_id)
    .where('month', '=', month)
    .execute()
}
