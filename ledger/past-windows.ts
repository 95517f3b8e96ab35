/**
 * The rate limits that requests came under before a server started. A server that is alone then
 * asks for some of each, so that no request waits for an exchange.
 */
import type { Sql } from '../database/types.ts'
import type { ExpectedWindow } from './expected-windows.ts'
import { DAY, MINUTE } from './window-state.ts'

/** What was asked of a rate limit lately. */
export type WindowUse = { [Column in keyof typeof useColumns]: number }

export const useColumns = { used_hour: 'bigint', used_limit: 'bigint', largest: 'bigint' } as const

const HOUR_MILLISECONDS = 3_600_000
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS
/** If more servers died within a day, the next ones ask for nothing before they need it. */
const MOST_DEAD = 2

export const hourOf = (now: number) => Math.floor(now / HOUR_MILLISECONDS)

/**
 * Whether several servers died within a day. Each takes along what it asked for before it was
 * needed, and of a limit of a day that is lost for a day.
 */
export async function diesOften(sql: Sql, now: number): Promise<boolean> {
  const { dead } = await sql
    .selectFrom('swept_servers')
    .select((select) => select.fn.countAll<number>().as('dead'))
    .where('swept_at', '>', now - DAY_MILLISECONDS)
    .executeTakeFirstOrThrow()
  return dead > MOST_DEAD
}

/** Those used last, at most `count`, and within `milliseconds` before `now`. */
export async function pastWindows(
  sql: Sql,
  now: number,
  milliseconds: number,
  count: number,
): Promise<ExpectedWindow[]> {
  const rows = await sql
    .selectFrom('rate_windows')
    .select(['organization_id', 'project_id', 'limit_key', 'metric', 'used_hour', 'used_limit', 'largest'])
    .where('used_hour', '>', hourOf(now - milliseconds))
    .orderBy('used_hour', 'desc')
    .limit(count)
    .execute()
  return rows.map(({ used_hour, used_limit, largest, ...key }) => ({
    key,
    span: key.metric.endsWith('_per_day') ? DAY : MINUTE,
    limit: used_limit,
    largest,
    age: Math.max(0, now - (used_hour + 1) * HOUR_MILLISECONDS),
  }))
}
