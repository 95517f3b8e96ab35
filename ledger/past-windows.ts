/**
 * The rate limits that requests came under before a server started. A server that is alone then
 * asks for some of each, so that no request waits for an exchange.
 */
import type { Sql } from '../database/types.ts'
import type { WindowKey } from './exchange-types.ts'
import { DAY, MINUTE, type Span } from './window-state.ts'

/** What was asked of a rate limit lately. */
export type WindowUse = { [Column in keyof typeof useColumns]: number }

export const useColumns = { used_hour: 'bigint', used_limit: 'bigint', largest: 'bigint' } as const

const HOUR_MILLISECONDS = 3_600_000
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS
/** If more servers died within a day, the next ones ask for nothing before they need it. */
const MOST_DEAD = 2

export const hourOf = (now: number) => Math.floor(now / HOUR_MILLISECONDS)

export interface PastWindow extends PastUse {
  key: WindowKey
  span: Span
  /** The limit under which it was used last. */
  limit: number
}

export interface PastUse {
  /** The most that one request took. */
  largest: number
  /** Milliseconds since a request used it, or up to an hour less. */
  age: number
}

/**
 * Those used last, at most `count`, and within `milliseconds` before `now`. None where several
 * servers died within a day: each takes along what it asked for, and of a limit of a day that is
 * lost for a day.
 */
export async function pastWindows(sql: Sql, now: number, milliseconds: number, count: number): Promise<PastWindow[]> {
  const { dead } = await sql
    .selectFrom('swept_servers')
    .select((select) => select.fn.countAll<number>().as('dead'))
    .where('swept_at', '>', now - DAY_MILLISECONDS)
    .executeTakeFirstOrThrow()
  if (dead > MOST_DEAD) return []
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
