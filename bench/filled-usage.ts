/**
 * Fills the roll-ups with usage, in SQL. Every series is active for half an hour and then not for
 * three and a half, so its rows of hours and days are multiples of those of minutes.
 */
import { sql as raw } from 'kysely'
import type { Database, Sql } from '../database/types.ts'
import type { Series } from '../ledger/usage-counts.ts'
import { seriesId } from '../ledger/series-rows.ts'
import { minutesOf, tables, type Width } from '../ledger/widths.ts'

/** How many days there are of each width. */
export type History = Record<Width, number>

export const SERIES_A_MINUTE = 112
const TURNS = 8
const MINUTES_A_TURN = 30
/** In how many minutes of an hour or a day in which it is active a series was used. */
const activeMinutes = { minute: 1, hour: MINUTES_A_TURN, day: minutesOf.day / TURNS }
/** How many rows a statement inserts at most. */
const ROWS_AT_ONCE = 100_000

const kinds = [
  ...Array.from({ length: 64 }, () => 'completions' as const),
  ...(['decisions', 'embeddings', 'moderations', 'images', 'audio_speeches', 'audio_transcriptions'] as const).flatMap(
    (kind) => Array.from({ length: 6 }, () => kind),
  ),
  ...(['file_searches', 'web_searches'] as const).flatMap((kind) => Array.from({ length: 6 }, () => kind)),
]

/** Adds what the longer history has before the shorter one; answers how many rows there are now. */
export async function fillUsage(
  { database, address }: { database: Database; address: string },
  before: History | null,
  after: History,
): Promise<number> {
  const today = Math.floor(Date.now() / 86_400_000)
  if (!before) await addSeries(database)
  for (const width of ['minute', 'hour', 'day'] as const) {
    const begin = (today - after[width]) * minutesOf.day
    const end = (today - (before?.[width] ?? 0)) * minutesOf.day
    const step = Math.ceil(ROWS_AT_ONCE / (SERIES_A_MINUTE * TURNS) / minutesOf.day) * minutesOf.day * minutesOf[width]
    for (let from = begin; from < end; from += step)
      await database.writeUnsynced((sql) => addRows(sql, database.engine, width, from, Math.min(from + step, end)))
  }
  return database.engine === 'postgres' ? analyzePostgres(address) : analyzeSqlite(database)
}

/** On a connection of its own, because Keyhall's wait for no statement as long as these take. */
async function analyzePostgres(address: string): Promise<number> {
  const sql = new Bun.SQL(address, { max: 1 })
  await sql.unsafe('vacuum analyze')
  let rows = 0
  for (const table of Object.values(tables)) {
    const [count] = (await sql.unsafe(`select count(*) as n from ${table}`)) as [{ n: string }]
    rows += Number(count.n)
  }
  await sql.close()
  return rows
}

async function analyzeSqlite(database: Database): Promise<number> {
  await database.write((sql) => raw`analyze`.execute(sql))
  let rows = 0
  for (const table of Object.values(tables)) {
    const count = await raw<{ n: number }>`select count(*) as n from ${raw.table(table)}`.execute(database.read)
    rows += count.rows[0]!.n
  }
  return rows
}

/** `bench_series` says in which half hours a series is active. */
async function addSeries(database: Database) {
  const { id: organization_id } = await database.read.selectFrom('organizations').select('id').executeTakeFirstOrThrow()
  await database.write(async (sql) => {
    await raw`create table bench_series (turn integer not null, id bigint not null, primary key (turn, id))`.execute(
      sql,
    )
    for (let turn = 0; turn < TURNS; turn++)
      for (let n = 0; n < SERIES_A_MINUTE; n++) {
        const series = seriesOf(organization_id, n, turn)
        const id = seriesId(series)
        await sql
          .insertInto('usage_series')
          .values({ id, ...series })
          .execute()
        await raw`insert into bench_series (turn, id) values (${turn}, ${id})`.execute(sql)
      }
  })
}

function seriesOf(organization_id: string, n: number, turn: number): Series {
  const kind = kinds[n]!
  const sizes = ['1024x1024', '256x256']
  return {
    organization_id,
    kind,
    project_id: `proj_${n % 20}`,
    user_id: `user_${(n * TURNS + turn) % 300}`,
    api_key_id: `key_${n * TURNS + turn}`,
    model: `model-${(n + turn) % 12}`,
    service_tier: ['', 'default', 'flex'][n % 3]!,
    batch: n % 8 === 0 ? 1 : 0,
    detail:
      kind === 'images'
        ? `${sizes[turn % 2]} image.generation`
        : kind === 'web_searches'
          ? ['low', 'medium', 'high'][turn % 3]!
          : kind === 'file_searches'
            ? `vs_${turn}`
            : '',
    estimated: 0,
    priced: 1,
  }
}

async function addRows(sql: Sql, engine: Database['engine'], width: Width, from: number, to: number) {
  const minutes = minutesOf[width]
  const moments =
    engine === 'postgres'
      ? raw`(select generate_series(${raw.lit(from)}::bigint, ${raw.lit(to - 1)}, ${raw.lit(minutes)}) as at)`
      : raw`(with recursive moments(at) as (select ${raw.lit(from)} union all
          select at + ${raw.lit(minutes)} from moments where at + ${raw.lit(minutes)} < ${raw.lit(to)}) select at from moments)`
  const first = raw`m.at / ${raw.lit(MINUTES_A_TURN)} % ${raw.lit(TURNS)}`
  const active = {
    minute: raw`s.turn = ${first}`,
    hour: raw`s.turn in (${first}, (m.at / ${raw.lit(MINUTES_A_TURN)} + 1) % ${raw.lit(TURNS)})`,
    day: raw`s.turn >= 0`,
  }[width]
  const times = raw.lit(activeMinutes[width])
  const counts = {
    requests: 2,
    input: 1_800,
    output: 400,
    cached: 600,
    units: 3,
    cost_input: 3_000_000,
    cost_cached: 150_000,
    cost_output: 4_000_000,
  }
  await raw`
    insert into ${raw.table(tables[width])} (at, series_id, ${raw.join(Object.keys(counts).map((name) => raw.ref(name)))})
    select m.at, s.id, ${raw.join(Object.values(counts).map((count) => raw`${raw.lit(count)} * ${times}`))}
    from ${moments} m join bench_series s on ${active} order by m.at, s.id`.execute(sql)
}
