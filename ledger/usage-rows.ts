/**
 * Usage in the database: counts by minute, hour and day, and the requests that run. The number of
 * statements does not depend on how much there is to write.
 */
import { sql as raw } from 'kysely'
import { jsonOf, jsonRows, type JsonColumns, type JsonOf } from '../database/json-rows.ts'
import { statement } from '../database/statement.ts'
import type { Database, Sql } from '../database/types.ts'
import { placeUsage, seriesId, type PlacedUsage } from './series-rows.ts'
import type { Need } from './exchange-types.ts'
import { addCounts, countColumns, runningName, type Counts, type InFlightRow, type UsageRow } from './usage-counts.ts'

const WIDTHS = [
  { table: 'usage_minutes', minutes: 1 },
  { table: 'usage_hours', minutes: 60 },
  { table: 'usage_days', minutes: 1440 },
] as const

type CountsRow = { at: number; series_id: number } & Counts

const countTypes = Object.fromEntries(
  ['at', 'series_id', ...countColumns].map((column) => [column, 'bigint']),
) as JsonColumns<CountsRow>
const countNames = raw.join(Object.keys(countTypes).map((column) => raw.ref(column)))

/**
 * Adds usage to the three widths. Returns the organizations that use so many series that some of it
 * was counted as `other`.
 */
export async function rollUp(sql: Sql, engine: 'sqlite' | 'postgres', usage: readonly UsageRow[]): Promise<string[]> {
  if (usage.length === 0) return []
  const { placed, merged } = await placeUsage(sql, engine, usage)
  for (const { table, minutes } of WIDTHS)
    await addToWidth(sql, { rows: jsonOf(summedUp(placed, minutes)) }, { engine, table })
  return merged
}

type Width = Pick<Database, 'engine'> & Pick<(typeof WIDTHS)[number], 'table'>

const addToWidth = statement((_: Sql, params: { rows: JsonOf<CountsRow> }, { engine, table }: Width) => {
  const sums = countColumns.map((column) => {
    const [before, more] = [raw.ref(`${table}.${column}`), raw.ref(`excluded.${column}`)]
    return raw`${raw.ref(column)} = coalesce(${before} + ${more}, ${before}, ${more})`
  })
  return raw`
      insert into ${raw.table(table)} (${countNames}) select ${countNames}
      from ${jsonRows(engine, countTypes, params.rows)}
      where true order by at, series_id
      on conflict (at, series_id) do update set ${raw.join(sums)}`
})

function summedUp(placed: readonly PlacedUsage[], minutes: number): CountsRow[] {
  const rows = new Map<string, CountsRow>()
  for (const { id, row } of placed) {
    const at = Math.floor(row.minute / minutes) * minutes
    const name = `${at} ${id}`
    let sum = rows.get(name)
    if (!sum) rows.set(name, (sum = { at, series_id: id }))
    addCounts(sum, row.counts)
  }
  return [...rows.values()]
}

const inFlightTypes = {
  series_id: 'bigint',
  month: 'text',
  requests: 'bigint',
  amount: 'bigint',
  organization_id: 'text',
  project_id: 'text',
  series: 'text',
} as const
const inFlightNames = raw.join(Object.keys(inFlightTypes).map((column) => raw.ref(column)))

/** Running requests as they are stored. Their series need no row: perhaps nothing comes of them. */
export const inFlightRow = ({ series, month, requests, amount }: InFlightRow) => ({
  series_id: seriesId(series),
  month,
  requests,
  amount,
  organization_id: series.organization_id,
  project_id: series.project_id,
  series: JSON.stringify(series),
})

/**
 * What runs on a server, with the requests that were just admitted. They are written down together
 * with the money that is held for them: a server that dies in the next moment burns none of it.
 */
export function withAdmitted(inFlight: readonly InFlightRow[], admitted: readonly Need[]): InFlightRow[] {
  const rows = new Map(inFlight.map((row) => [runningName(row), { ...row }]))
  for (const { running, bound } of admitted) {
    const name = runningName(running)
    let row = rows.get(name)
    if (!row) rows.set(name, (row = { ...running }))
    row.requests++
    row.amount += bound
  }
  return [...rows.values()]
}

/** Replaces what is known of a server's running requests. */
export async function writeInFlight(
  sql: Sql,
  engine: 'sqlite' | 'postgres',
  server_id: string,
  all: readonly InFlightRow[],
) {
  const rows = all.map(inFlightRow)
  const over = rows.filter(({ requests }) => requests === 0)
  const running = rows.filter(({ requests }) => requests > 0)
  if (over.length > 0) await deleteInFlight(sql, { server_id, rows: jsonOf(over) }, { engine })
  if (running.length > 0) await insertInFlight(sql, { server_id, rows: jsonOf(running) }, { engine })
}

interface OfServer {
  server_id: string
  rows: JsonOf<ReturnType<typeof inFlightRow>>
}

const deleteInFlight = statement(
  (_: Sql, params: OfServer, { engine }: Pick<Database, 'engine'>) => raw`
      delete from in_flight where server_id = ${params.server_id}
        and (series_id, month) in (select series_id, month from ${jsonRows(engine, inFlightTypes, params.rows)})`,
)

const insertInFlight = statement(
  (_: Sql, params: OfServer, { engine }: Pick<Database, 'engine'>) => raw`
      insert into in_flight (server_id, ${inFlightNames})
      select ${params.server_id}, ${inFlightNames} from ${jsonRows(engine, inFlightTypes, params.rows)}
      where true order by series_id, month
      on conflict (server_id, series_id, month)
      do update set requests = excluded.requests, amount = excluded.amount`,
)
