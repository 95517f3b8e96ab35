/**
 * The series of usage in the database. Clients choose names that are part of a series, such as that
 * of the model, so an organization has a bound on the series of a month. Usage beyond it goes to
 * series in which these names are `other`: what was used and what it cost stays exact, and so does
 * whose it is.
 */
import { createHash } from 'node:crypto'
import { sql as raw } from 'kysely'
import { jsonOf, jsonRows, type JsonColumns, type JsonOf } from '../database/json-rows.ts'
import { statement } from '../database/statement.ts'
import type { Database, Sql } from '../database/types.ts'
import { monthOf, otherSeries, seriesColumns, seriesName, type Series, type UsageRow } from './usage-counts.ts'

/** Series with names that clients chose, by organization and month. */
export const MOST_SERIES = 20_000

const LONGEST_MODEL = 256
const LONGEST_NAME = 128

/**
 * A hash of the whole series: every server computes the same id without asking. It has 53 bits, so
 * that a number holds it exactly.
 */
export const seriesId = (series: Series): number =>
  Number(createHash('sha256').update(seriesName(series)).digest().readBigUInt64BE() >> 11n)

/** Usage, and the id of the series that it is counted in. */
export interface PlacedUsage {
  id: number
  row: UsageRow
}

interface UsedSeries {
  id: number
  series: Series
  /** The latest in which it is used. */
  month: string
}

/**
 * Finds the series for some usage, and inserts those that are new. Also returns the organizations
 * of which something was counted as `other`.
 */
export async function placeUsage(
  sql: Sql,
  engine: 'sqlite' | 'postgres',
  usage: readonly UsageRow[],
): Promise<{ placed: PlacedUsage[]; merged: string[] }> {
  const used = new Map<number, UsedSeries>()
  const placed = usage.map((row) => {
    const series = storable(row.series)
    const id = seriesId(series)
    const month = monthOf(row.minute * 60_000)
    const before = used.get(id)
    if (!before || before.month < month) used.set(id, { id, series, month })
    return { id, row }
  })
  const fresh = await notCounted(sql, engine, [...used.values()])
  if (fresh.length === 0) return { placed, merged: [] }
  const others = await insertFresh(sql, engine, fresh)
  const merged = new Set([...others.keys()].map((id) => used.get(id)!.series.organization_id))
  return { placed: placed.map(({ id, row }) => ({ id: others.get(id) ?? id, row })), merged: [...merged] }
}

/** Inserts series, up to the bound. Returns by id which other series stand for those beyond it. */
async function insertFresh(sql: Sql, engine: 'sqlite' | 'postgres', fresh: readonly UsedSeries[]) {
  const counts = await lockCounts(sql, engine, fresh)
  const inserted = new Map<number, UsedSeries>()
  const others = new Map<number, number>()
  // Another server may have inserted some of them before this one got the lock.
  for (const one of await notCounted(sql, engine, fresh)) {
    const count = counts.get(countName(one.series.organization_id, one.month))!
    if (count.series < MOST_SERIES) {
      count.series++
      inserted.set(one.id, one)
      continue
    }
    const series = otherSeries(one.series)
    const id = seriesId(series)
    others.set(one.id, id)
    inserted.set(id, { id, series, month: one.month })
  }
  await insertSeries(sql, engine, [...inserted.values()])
  await writeCounts(sql, engine, [...counts.values()])
  return others
}

/** PostgreSQL stores no null character, and no engine half of a surrogate pair. */
function storable(series: Series): Series {
  const model = shortened(series.model, LONGEST_MODEL)
  const service_tier = shortened(series.service_tier, LONGEST_NAME)
  const detail = shortened(series.detail, LONGEST_NAME)
  const isSame = model === series.model && service_tier === series.service_tier && detail === series.detail
  return isSame ? series : { ...series, model, service_tier, detail }
}

const shortened = (name: string, longest: number) => name.replaceAll('\0', '').slice(0, longest).toWellFormed()

/** Those of the series that are not counted for their month, in the order in which they came. */
async function notCounted(sql: Sql, engine: 'sqlite' | 'postgres', used: readonly UsedSeries[]) {
  if (used.length === 0) return []
  const rows = await selectMonths(sql, { rows: jsonOf(used.map(({ id }) => ({ id }))) }, { engine })
  const counted = new Map(rows.map(({ id, month }) => [id, month]))
  return used.filter(({ id, month }) => (counted.get(id) ?? '') < month)
}

const selectMonths = statement(
  (_: Sql, params: { rows: JsonOf<{ id: number }> }, { engine }: Pick<Database, 'engine'>) => raw<
    Pick<SeriesRow, 'id' | 'month'>
  >`
    select id, month from usage_series where id in (select id from ${jsonRows(engine, { id: 'bigint' }, params.rows)})`,
)

interface Count {
  organization_id: string
  month: string
  series: number
}

const countColumns: JsonColumns<Count> = { organization_id: 'text', month: 'text', series: 'bigint' }
const countName = (organization_id: string, month: string) => `${organization_id} ${month}`

/** One server at a time inserts series of an organization and month. */
async function lockCounts(sql: Sql, engine: 'sqlite' | 'postgres', fresh: readonly UsedSeries[]) {
  const asked = new Map<string, Count>()
  for (const { series, month } of fresh) {
    const { organization_id } = series
    asked.set(countName(organization_id, month), { organization_id, month, series: 0 })
  }
  const given = jsonOf([...asked.values()])
  const { rows } = await raw<Count>`
    insert into usage_series_counts (organization_id, month, series)
    select organization_id, month, series from ${jsonRows(engine, countColumns, given)}
    where true order by organization_id, month
    on conflict (organization_id, month) do update set series = usage_series_counts.series
    returning organization_id, month, series`.execute(sql)
  return new Map(rows.map((row) => [countName(row.organization_id, row.month), row]))
}

const writeCounts = (sql: Sql, engine: 'sqlite' | 'postgres', counts: readonly Count[]) =>
  raw`
    update usage_series_counts set series = given.series from ${jsonRows(engine, countColumns, jsonOf(counts))}
    where usage_series_counts.organization_id = given.organization_id
      and usage_series_counts.month = given.month`.execute(sql)

type SeriesRow = Series & { id: number; month: string }

const rowColumns = {
  id: 'bigint',
  ...Object.fromEntries(seriesColumns.map((column) => [column, 'text'])),
  batch: 'bigint',
  estimated: 'bigint',
  priced: 'bigint',
  month: 'text',
} as JsonColumns<SeriesRow>
const rowNames = raw.join(Object.keys(rowColumns).map((column) => raw.ref(column)))

async function insertSeries(sql: Sql, engine: 'sqlite' | 'postgres', used: readonly UsedSeries[]) {
  if (used.length === 0) return
  const rows = jsonOf(used.map(({ id, series, month }) => ({ ...series, id, month })))
  await raw`
    insert into usage_series (${rowNames}) select ${rowNames} from ${jsonRows(engine, rowColumns, rows)}
    where true order by id
    on conflict (id) do update set month = excluded.month where usage_series.month < excluded.month`.execute(sql)
}

/** Series by their id, for what was written before running requests named theirs. */
export async function seriesOf(sql: Sql, ids: readonly number[]): Promise<Map<number, Series>> {
  if (ids.length === 0) return new Map()
  const rows = await sql.selectFrom('usage_series').selectAll().where('id', 'in', ids).execute()
  return new Map(
    rows.map((row) => [
      row.id,
      Object.fromEntries(seriesColumns.map((column) => [column, row[column]])) as unknown as Series,
    ]),
  )
}
