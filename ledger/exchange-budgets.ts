/** The budgets in an exchange: locks them, records reports, grants money, and writes them back. */
import { sql as raw } from 'kysely'
import { jsonOf, jsonRows, type JsonOf } from '../database/json-rows.ts'
import { statement } from '../database/statement.ts'
import type { Database, Sql } from '../database/types.ts'
import { budgetName, shareOf, type BudgetKey, type BudgetReport, type SharedBudget } from './budget.ts'
import type { Batch, BudgetOutcome } from './exchange-types.ts'
import { holdDeferred } from './deferred-rows.ts'
import { inOrder } from './exchange-windows.ts'

type Engine = Database['engine']

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

interface OfServer<Row> {
  server_id: string
  rows: JsonOf<Row>
}

const keyTypes = { organization_id: 'text', project_id: 'text', month: 'text' } as const
const keyNames = raw.join(Object.keys(keyTypes).map((column) => raw.ref(column)))
const isGiven = (table: 'budgets' | 'holdings') =>
  raw.join(
    Object.keys(keyTypes).map((column) => raw`${raw.ref(`${table}.${column}`)} = ${raw.ref(`given.${column}`)}`),
    raw` and `,
  )

/** Locks the budgets in the order of their keys, and records what this server settled and holds. */
export async function openBudgets(sql: Sql, engine: Engine, { budgets, server_id }: Batch, now: number) {
  const open = new Map<string, OpenBudget>()
  if (budgets.length === 0) return open
  const reports = inOrder(budgets, budgetName).map(({ key, report, told }, place) => ({
    ...key,
    place,
    settled: report.settled,
    reserved: report.in_flight + report.free + report.deferred - told.in_flight - told.free,
  }))
  const rows = await lockBudgets(sql, { rows: jsonOf(reports) }, { engine })
  const found = new Map(rows.map((row) => [budgetName(row), row]))
  const limited = budgets.filter(({ limit }) => limit !== null).map(({ key }) => key)
  const others = await freeOfOthers(sql, engine, limited, server_id)
  for (const { key, limit, report } of budgets) {
    const name = budgetName(key)
    const { settled, reserved, burned, wanted_at } = found.get(name)!
    open.set(name, {
      key,
      limit,
      report,
      shared: { settled, reserved, burned },
      others: others.get(name) ?? 0,
      admitted: 0,
      granted: 0,
      refused: false,
      wanted: false,
      wantedByOthers: now - wanted_at < WANTED_MILLISECONDS,
    })
  }
  return open
}

type Report = BudgetKey & { place: number; settled: number; reserved: number }

const reportTypes = { ...keyTypes, place: 'bigint', settled: 'bigint', reserved: 'bigint' } as const

const lockBudgets = statement(
  (_: Sql, params: { rows: JsonOf<Report> }, { engine }: { engine: Engine }) =>
    raw<BudgetKey & SharedBudget & { wanted_at: number }>`
    insert into budgets (${keyNames}, settled, reserved, burned, admitted_at, refused_at, wanted_at)
    select ${keyNames}, settled, reserved, 0, 0, 0, 0
    from ${jsonRows(engine, reportTypes, params.rows)}
    where true order by place
    on conflict (${keyNames}) do update set
      settled = budgets.settled + excluded.settled, reserved = budgets.reserved + excluded.reserved
    returning ${keyNames}, settled, reserved, burned, wanted_at`,
)

/** By the name of the budget, what other servers hold for requests to come. */
async function freeOfOthers(sql: Sql, engine: Engine, keys: readonly BudgetKey[], server_id: string) {
  if (keys.length === 0) return new Map<string, number>()
  const rows = await sumFree(sql, { server_id, rows: jsonOf(keys) }, { engine })
  return new Map(rows.map((row) => [budgetName(row), row.free]))
}

const sumFree = statement((_: Sql, params: OfServer<BudgetKey>, { engine }: { engine: Engine }) => {
  const names = raw.join(Object.keys(keyTypes).map((column) => raw.ref(`given.${column}`)))
  return raw<BudgetKey & { free: number }>`
    select ${names}, cast(sum(holdings.free) as bigint) as free
    from ${jsonRows(engine, keyTypes, params.rows)} join holdings on ${isGiven('holdings')}
    where holdings.server_id <> ${params.server_id} group by ${names}`
})

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

export async function keepBudgets(
  sql: Sql,
  engine: Engine,
  server_id: string,
  budgets: readonly OpenBudget[],
  now: number,
) {
  const changes = budgets.map(changeOf)
  const changed = changes.filter(({ more, was_refused, was_admitted, is_wanted }) =>
    [more, was_refused, was_admitted, is_wanted].some((one) => one > 0),
  )
  if (changed.length > 0) await updateBudgets(sql, { now, rows: jsonOf(changed) }, { engine })
  for (const { key, report } of budgets) if (report.deferred > 0) await holdDeferred(sql, key, report.deferred)
  await keepHoldings(sql, engine, server_id, budgets)
}

const changeTypes = {
  ...keyTypes,
  more: 'bigint',
  was_refused: 'bigint',
  was_admitted: 'bigint',
  is_wanted: 'bigint',
} as const

const updateBudgets = statement(
  (_: Sql, params: { now: number; rows: JsonOf<ReturnType<typeof changeOf>> }, { engine }: { engine: Engine }) => raw`
      update budgets set
        reserved = budgets.reserved + given.more,
        refused_at = case when given.was_refused = 1 then ${params.now} else budgets.refused_at end,
        admitted_at = case when given.was_admitted = 1 then ${params.now} else budgets.admitted_at end,
        wanted_at = case when given.is_wanted = 1 then ${params.now} else budgets.wanted_at end
      from ${jsonRows(engine, changeTypes, params.rows)} where ${isGiven('budgets')}`,
)

/** What is written of a budget beside the report; 1 stands for yes. */
function changeOf({ key, limit, report, admitted, granted, refused, wanted }: OpenBudget) {
  const isAdmitting = limit !== null && !refused && (admitted > 0 || report.handedOut)
  return {
    ...key,
    more: admitted + granted,
    was_refused: Number(refused),
    was_admitted: Number(isAdmitting),
    is_wanted: Number(wanted),
  }
}

async function keepHoldings(sql: Sql, engine: Engine, server_id: string, budgets: readonly OpenBudget[]) {
  const rows = budgets.map(({ key, report, admitted, granted }) => ({
    ...key,
    in_flight: report.in_flight + admitted,
    free: report.free + granted,
  }))
  const isNothing = ({ in_flight, free }: { in_flight: number; free: number }) => in_flight === 0 && free === 0
  const over = rows.filter(isNothing)
  const held = rows.filter((row) => !isNothing(row))
  if (over.length > 0) await deleteHoldings(sql, { server_id, rows: jsonOf(over) }, { engine })
  if (held.length > 0) await insertHoldings(sql, { server_id, rows: jsonOf(held) }, { engine })
}

const deleteHoldings = statement(
  (_: Sql, params: OfServer<BudgetKey>, { engine }: { engine: Engine }) => raw`
      delete from holdings where server_id = ${params.server_id}
        and (${keyNames}) in (select ${keyNames} from ${jsonRows(engine, keyTypes, params.rows)})`,
)

const insertHoldings = statement(
  (_: Sql, params: OfServer<BudgetKey & { in_flight: number; free: number }>, { engine }: { engine: Engine }) => raw`
      insert into holdings (server_id, ${keyNames}, in_flight, free)
      select ${params.server_id}, ${keyNames}, in_flight, free
      from ${jsonRows(engine, { ...keyTypes, in_flight: 'bigint', free: 'bigint' }, params.rows)}
      where true order by ${keyNames}
      on conflict (server_id, ${keyNames}) do update set in_flight = excluded.in_flight, free = excluded.free`,
)
