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

/** Those used last, at most `count`, and within `milliseconds` before `now`. */
export async function pastWindows(sql: Sql, now: number, milliseconds: number, count: number): Promise<PastWindow[]> {
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
