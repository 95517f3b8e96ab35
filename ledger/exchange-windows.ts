/**
 * The rate windows in an exchange: locks them, records reports, grants units, and writes them back.
 */
import { sql as raw } from 'kysely'
import type { Sql } from '../database/types.ts'
import { windowName, type Batch, type WindowKey, type WindowOutcome } from './exchange-types.ts'
import {
  book,
  emptyState,
  expire,
  GRANT_MILLISECONDS,
  holders,
  packed,
  unpacked,
  usedOf,
  type Span,
  type WindowState,
} from './window-state.ts'

export interface OpenWindow {
  key: WindowKey
  span: Span
  limit: number
  wanted: number
  state: WindowState
  booked: ReadonlySet<string>
  /** Units for the requests that waited. */
  allotted: number
  server_id: string
}

/** Locks the windows, and records what this server reports of them. */
export async function openWindows(sql: Sql, { windows, server_id }: Batch, now: number) {
  const open = new Map<string, OpenWindow>()
  for (const { key, span, limit, report } of inOrder(windows, windowName)) {
    const { state: text } = await sql
      .insertInto('rate_windows')
      .values({ ...key, version: 1, state: packed(emptyState()) })
      .onConflict((conflict) =>
        conflict
          .columns(['organization_id', 'project_id', 'limit_key', 'metric'])
          .doUpdateSet({ version: raw<number>`rate_windows.version + 1` }),
      )
      .returning('state')
      .executeTakeFirstOrThrow()
    const state = unpacked(text)
    expire(state, span, now)
    const booked = book(state, span, now, report)
    open.set(windowName(key), { key, span, limit, wanted: report.wanted, state, booked, allotted: 0, server_id })
  }
  return open
}

/**
 * The units that were allotted, and in addition at most half of this server's part of what is left.
 */
export function grantUnits(
  { state, limit, wanted, allotted, booked, server_id }: OpenWindow,
  batch: Batch,
  now: number,
): WindowOutcome {
  const room = limit - usedOf(state) - allotted
  const least = Math.ceil(limit / 100)
  const share = Math.floor(room / 2 / holders(state, server_id))
  const more = wanted > 0 || allotted > 0 ? Math.max(0, Math.min(Math.max(wanted, least), share)) : 0
  const grant = `${server_id}:${batch.grant}`
  const amount = allotted + more
  if (amount > 0) state.grants.set(grant, { amount, until: now + GRANT_MILLISECONDS })
  const own = [...state.grants].reduce(
    (sum, [id, { amount }]) => sum + (id.startsWith(`${server_id}:`) ? amount : 0),
    0,
  )
  return { booked, grant, amount, used: usedOf(state) - own }
}

export async function keepWindows(sql: Sql, windows: readonly OpenWindow[]) {
  for (const { key, state } of windows) {
    await sql
      .updateTable('rate_windows')
      .set({ state: packed(state) })
      .where('organization_id', '=', key.organization_id)
      .where('project_id', '=', key.project_id)
      .where('limit_key', '=', key.limit_key)
      .where('metric', '=', key.metric)
      .execute()
  }
}

/** Sorted by key, so that all servers lock in the same order. */
export const inOrder = <Item extends { key: Key }, Key>(items: readonly Item[], name: (key: Key) => string): Item[] =>
  items.toSorted((one, other) => (name(one.key) < name(other.key) ? -1 : 1))
