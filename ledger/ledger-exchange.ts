/**
 * The exchange of one server with the ledger: one transaction in which it reports what it used,
 * settled and gave back, requests that wait are admitted or refused, and it gets amounts for
 * requests to come. Locks are taken in one order everywhere: the server's own row, windows,
 * budgets, usage.
 */
import { sql as raw } from 'kysely'
import { databaseNow } from '../database/clock.ts'
import { statement } from '../database/statement.ts'
import type { Database, Sql } from '../database/types.ts'
import { budgetName } from './budget.ts'
import { keepDeferred } from './deferred-rows.ts'
import { grantMoney, keepBudgets, openBudgets, roomOf, type OpenBudget } from './exchange-budgets.ts'
import { windowName, type Batch, type Decision, type Need, type Outcome, type RateRefusal } from './exchange-types.ts'
import { grantUnits, keepWindows, openWindows, type OpenWindow } from './exchange-windows.ts'
import { rollUp, withAdmitted, writeInFlight } from './usage-rows.ts'
import { heldByOthers, roomIn, usedOf } from './window-state.ts'

/**
 * After this time without an exchange a server counts as dead, and another one settles what it
 * holds.
 */
export const LEASE_MILLISECONDS = 5_000

/** Other servers took this one for dead, and have settled what it held. */
export class Swept extends Error {}

/**
 * Runs inside a transaction that has renewed the lease, at `now` by the database's clock; perhaps
 * more than once, so it changes nothing but the database. `join` is called when all is locked: it
 * may add needs to the batch.
 */
export async function exchange(
  sql: Sql,
  engine: 'sqlite' | 'postgres',
  batch: Batch,
  now: number,
  join: () => void,
): Promise<Outcome> {
  const { count, others } = await readServers(sql, batch.server_id, now)
  const windows = await openWindows(sql, engine, batch, now)
  const budgets = await openBudgets(sql, engine, batch, now)
  join()
  const decisions = batch.needs.map((need) => decide(need, windows, budgets, batch.server_id, now))
  const outcome: Omit<Outcome, 'merged'> = {
    now,
    windows: batch.windows.map(({ key }) => grantUnits(windows.get(windowName(key))!, batch, now, others === 0)),
    budgets: batch.budgets.map(({ key }) => grantMoney(budgets.get(budgetName(key))!, count)),
    decisions,
    isAlone: others === 0,
  }
  await keepWindows(sql, engine, [...windows.values()])
  await keepBudgets(sql, engine, batch.server_id, [...budgets.values()], now)
  const merged = await rollUp(sql, engine, batch.usage)
  const admitted = batch.needs.filter((_, n) => decisions[n]!.kind === 'admitted')
  await writeInFlight(sql, engine, batch.server_id, withAdmitted(batch.inFlight, admitted))
  await keepDeferred(sql, batch.deferred, now)
  return { ...outcome, merged }
}

/** Extends the lease. Throws Swept when others took this server for dead. */
export async function renew(
  sql: Sql,
  engine: 'sqlite' | 'postgres',
  { server_id, seq }: { server_id: string; seq: number },
) {
  const [row] = await extendLease(sql, { server_id, seq, next: seq + 1 }, { engine })
  if (!row) throw new Swept()
  return row.until - LEASE_MILLISECONDS
}

const extendLease = statement(
  (sql: Sql, params: { server_id: string; seq: number; next: number }, { engine }: Pick<Database, 'engine'>) =>
    sql
      .updateTable('ledger_servers')
      .set({ seq: params.next, until: raw<number>`${databaseNow(engine)} + ${LEASE_MILLISECONDS}` })
      .where('id', '=', params.server_id)
      .where('seq', '=', params.seq)
      .returning('until'),
)

/** Admits a request if all its limits have room for it, and then counts it in all of them. */
function decide(
  { windows: units, budgets: amounts }: Need,
  windows: ReadonlyMap<string, OpenWindow>,
  budgets: ReadonlyMap<string, OpenBudget>,
  server: string,
  now: number,
): Decision {
  const full = units.flatMap(({ name, units }) => refusalOf(windows.get(name)!, { name, units, server, now }))
  // The refusal names the window that is full for the longest: a request that came back earlier
  // would be refused again.
  const longest = full.toSorted((one, other) => waitOf(other) - waitOf(one))[0]
  if (longest) return { ...longest, again: full.every(({ again }) => again) }
  for (const { name, amount } of amounts) {
    const budget = budgets.get(name)!
    const room = roomOf(budget)
    if (amount <= room) continue
    const again = amount <= room + budget.others
    if (again) budget.wanted = true
    else budget.refused = true
    return { kind: 'spend', again, name }
  }
  for (const { name, units: needed } of units) windows.get(name)!.allotted += needed
  for (const { name, amount } of amounts) {
    const budget = budgets.get(name)!
    budget.admitted += amount
    budget.shared.reserved += amount
  }
  return { kind: 'admitted' }
}

const waitOf = ({ retry_milliseconds }: RateRefusal) => retry_milliseconds ?? Infinity

/** Why a window has no room for these units; undefined when it has. */
function refusalOf(
  { state, allotted, limit, span }: OpenWindow,
  { name, units, server, now }: { name: string; units: number; server: string; now: number },
): RateRefusal[] {
  const used = usedOf(state) + allotted
  if (used + units <= limit) return []
  const again = used + units - heldByOthers(state, server) <= limit
  return [{ kind: 'rate', again, name, used, retry_milliseconds: roomIn(state, span, now, limit, units, allotted) }]
}

/** How many servers there are, and how many others there are whose lease is not over. */
async function readServers(sql: Sql, server_id: string, now: number) {
  const rows = await selectServers(sql, {})
  const others = rows.filter(({ id, until }) => id !== server_id && until > now).length
  return { count: Math.max(1, rows.length), others }
}

const selectServers = statement((sql: Sql) => sql.selectFrom('ledger_servers').select(['id', 'until']))

/**
 * Adds a server, once: throws Swept when one of this name was added before, also when others have
 * taken it for dead since. Returns the database's clock.
 */
export async function register(sql: Sql, engine: 'sqlite' | 'postgres', id: string) {
  const { rows } = await raw<{ until: number }>`
    insert into ledger_servers (id, seq, until)
    select ${id}, 0, ${databaseNow(engine)} + ${LEASE_MILLISECONDS}
    where not exists (select 1 from swept_servers where id = ${id})
    on conflict (id) do nothing returning until`.execute(sql)
  const [row] = rows
  if (!row) throw new Swept()
  return row.until - LEASE_MILLISECONDS
}
