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
  give,
  packed,
  unpacked,
  usedOf,
  type Span,
  type Wish,
  type WindowReport,
  type WindowState,
} from './window-state.ts'

export interface OpenWindow {
  key: WindowKey
  span: Span
  limit: number
  report: WindowReport & Wish
  state: WindowState
  booked: ReadonlySet<string>
  /** Units for the requests that waited. */
  allotted: number
}

/** Locks the windows, and records what this server reports of them. */
export async function openWindows(sql: Sql, { windows }: Batch, now: number) {
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
    open.set(windowName(key), { key, span, limit, report, state, booked, allotted: 0 })
  }
  return open
}

/** Grants the units that were allotted, and some for requests to come. */
export function grantUnits(window: OpenWindow, batch: Batch, now: number, isAlone: boolean): WindowOutcome {
  const { state, span, limit, allotted, booked, report } = window
  const grant = `${batch.server_id}:${batch.grant}`
  const { kept } = report
  const giving = { span, limit, now, id: grant, server: batch.server_id, kept }
  const given = give(state, giving, allotted, report, isAlone)
  const own = given.amount + (kept === null ? 0 : (state.grants.get(kept.id)?.amount ?? 0))
  return { booked, grant, ...given, used: usedOf(state) - own }
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
