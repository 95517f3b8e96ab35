/**
 * The rate windows in an exchange: locks them, records reports, grants units, and writes them back.
 */
import { sql as raw } from 'kysely'
import { jsonOf, jsonRows, type JsonOf } from '../database/json-rows.ts'
import { statement } from '../database/statement.ts'
import type { Database, Sql } from '../database/types.ts'
import { windowName, type Batch, type WindowKey, type WindowOutcome } from './exchange-types.ts'
import { hourOf, useColumns, type WindowUse } from './past-windows.ts'
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
  use: WindowUse
}

type WindowRow = WindowKey & WindowUse & { state: string }

const keyTypes = { organization_id: 'text', project_id: 'text', limit_key: 'text', metric: 'text' } as const
const keyNames = raw.join(Object.keys(keyTypes).map((column) => raw.ref(column)))

/** Locks the windows, in the order of their keys, and records what this server reports of them. */
export async function openWindows(sql: Sql, engine: 'sqlite' | 'postgres', { windows }: Batch, now: number) {
  const open = new Map<string, OpenWindow>()
  if (windows.length === 0) return open
  const keys = inOrder(windows, windowName).map(({ key }, place) => ({ ...key, place }))
  const rows = await lockWindows(sql, { rows: jsonOf(keys) }, { engine })
  const stored = new Map(rows.map((row) => [windowName(row), row]))
  for (const { key, span, limit, report } of windows) {
    const { state: text, used_hour, used_limit, largest } = stored.get(windowName(key))!
    const use = { used_hour, used_limit, largest }
    const state = unpacked(text)
    expire(state, { span, limit }, now)
    const booked = book(state, { span, limit }, now, report)
    open.set(windowName(key), { key, span, limit, report, state, booked, allotted: 0, use })
  }
  return open
}

const lockWindows = statement(
  (_: Sql, params: { rows: JsonOf<WindowKey & { place: number }> }, { engine }: Pick<Database, 'engine'>) =>
    raw<WindowRow>`
    insert into rate_windows (${keyNames}, version, state)
    select ${keyNames}, 1, ${packed(emptyState())}
    from ${jsonRows(engine, { ...keyTypes, place: 'bigint' }, params.rows)}
    where true order by place
    on conflict (${keyNames}) do update set version = rate_windows.version + 1
    returning ${keyNames}, state, used_hour, used_limit, largest`,
)

/** Grants the units that were allotted, and some for requests to come. */
export function grantUnits(window: OpenWindow, batch: Batch, now: number, isAlone: boolean): WindowOutcome {
  const { state, span, limit, allotted, booked, report } = window
  const grant = `${batch.server_id}:${batch.grant}`
  const { kept } = report
  if (allotted > 0 || report.wanted > 0)
    window.use = { used_hour: hourOf(now), used_limit: limit, largest: report.largest }
  const giving = { span, limit, now, id: grant, server: batch.server_id, kept }
  const given = give(state, giving, allotted, report, isAlone)
  const own = given.amount + (kept === null ? 0 : (state.grants.get(kept.id)?.amount ?? 0))
  return { booked, grant, ...given, used: usedOf(state) - own }
}

export async function keepWindows(sql: Sql, engine: 'sqlite' | 'postgres', windows: readonly OpenWindow[]) {
  if (windows.length === 0) return
  const rows = windows.map(({ key, state, use }) => ({ ...key, state: packed(state), ...use }))
  await updateWindows(sql, { rows: jsonOf(rows) }, { engine })
}

const updateWindows = statement(
  (_: Sql, params: { rows: JsonOf<WindowRow> }, { engine }: Pick<Database, 'engine'>) => raw`
    update rate_windows set state = given.state, used_hour = given.used_hour, used_limit = given.used_limit,
      largest = given.largest
    from ${jsonRows(engine, { ...keyTypes, state: 'text', ...useColumns }, params.rows)}
    where rate_windows.organization_id = given.organization_id and rate_windows.project_id = given.project_id
      and rate_windows.limit_key = given.limit_key and rate_windows.metric = given.metric`,
)

/** Sorted by key, so that all servers lock in one order, however the database sorts. */
export const inOrder = <Item extends { key: Key }, Key>(items: readonly Item[], name: (key: Key) => string): Item[] =>
  items.toSorted((one, other) => (name(one.key) < name(other.key) ? -1 : 1))
