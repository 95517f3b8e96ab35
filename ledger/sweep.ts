/**
 * Settles what a server held that died: running requests at the most that they may cost; the rest
 * is burned.
 */
import { sql as raw } from 'kysely'
import { databaseNow } from '../database/clock.ts'
import type { Sql } from '../database/types.ts'
import { seriesOf } from './series-rows.ts'
import type { Series } from './usage-counts.ts'
import { rollUp } from './usage-rows.ts'

/** For a server that was cut off and comes back, so that it knows what was settled without it. */
const REMEMBERED_MILLISECONDS = 30 * 86_400_000

/**
 * Removes a server whose lease is over, in a transaction of its own. One that renews its lease at
 * the same moment holds its row until then, and is not removed. Answers how many requests it ran.
 */
export async function sweep(sql: Sql, engine: 'sqlite' | 'postgres', id: string): Promise<number> {
  const now = databaseNow(engine)
  const dead = await sql
    .deleteFrom('ledger_servers')
    .where('id', '=', id)
    .where('until', '<', now)
    .returning(['seq', now.as('now')])
    .executeTakeFirst()
  if (!dead) return 0
  await sql
    .deleteFrom('swept_servers')
    .where('swept_at', '<', dead.now - REMEMBERED_MILLISECONDS)
    .execute()
  await sql.insertInto('swept_servers').values({ id, seq: dead.seq, swept_at: dead.now }).execute()
  return bury(sql, engine, id, dead.now)
}

async function bury(sql: Sql, engine: 'sqlite' | 'postgres', server_id: string, now: number) {
  const running = await sql.deleteFrom('in_flight').where('server_id', '=', server_id).returningAll().execute()
  const holdings = await sql.deleteFrom('holdings').where('server_id', '=', server_id).returningAll().execute()
  const known = await seriesOf(
    sql,
    running.filter((row) => row.series === null).map(({ series_id }) => series_id),
  )
  const settled = new Map<string, number>()
  const add = (organization_id: string, project_id: string, month: string, amount: number) => {
    const name = `${organization_id} ${project_id} ${month}`
    settled.set(name, (settled.get(name) ?? 0) + amount)
  }
  const minute = Math.floor(now / 60_000)
  const usage = running.map(({ series_id, series, month, requests, amount }) => {
    const one = series === null ? known.get(series_id)! : (JSON.parse(series) as Series)
    add(one.organization_id, '', month, amount)
    add(one.organization_id, one.project_id, month, amount)
    // Usage belongs to the month of its admission: when that month is over, it is counted in its
    // last minute.
    const lastMinute = Date.parse(`${month}-01T00:00:00Z`) / 60_000
    return {
      series: { ...one, estimated: 1 as const },
      minute: minuteWithin(lastMinute, minute),
      counts: { requests, cost_output: amount },
    }
  })
  for (const { organization_id, project_id, month, in_flight, free } of inOrder(holdings)) {
    const held = in_flight + free
    const spent = Math.min(settled.get(`${organization_id} ${project_id} ${month}`) ?? 0, held)
    await sql
      .updateTable('budgets')
      .set({
        settled: raw<number>`settled + ${spent}`,
        reserved: raw<number>`reserved - ${held}`,
        burned: raw<number>`burned + ${held - spent}`,
      })
      .where('organization_id', '=', organization_id)
      .where('project_id', '=', project_id)
      .where('month', '=', month)
      .execute()
  }
  await rollUp(sql, engine, usage)
  return running.reduce((sum, { requests }) => sum + requests, 0)
}

const inOrder = <Row extends { organization_id: string; project_id: string; month: string }>(rows: Row[]) =>
  rows.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1))
const rank = (row: { organization_id: string; project_id: string; month: string }) =>
  `${row.organization_id} ${row.project_id} ${row.month}`

/** The minute, or the last one of the month that begins at `first`. */
function minuteWithin(first: number, minute: number): number {
  const begin = new Date(first * 60_000)
  const end = Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth() + 1) / 60_000
  return Math.max(first, Math.min(minute, end - 1))
}
