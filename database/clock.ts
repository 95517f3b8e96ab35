/** The clock of the database: the one that all servers share. */
import { sql as raw, type RawBuilder } from 'kysely'
import type { Sql } from './types.ts'

/** Milliseconds since 1970, by the database, at the moment of the statement. */
export const databaseNow = (engine: 'sqlite' | 'postgres'): RawBuilder<number> =>
  engine === 'sqlite'
    ? raw<number>`cast(unixepoch('now', 'subsec') * 1000 as integer)`
    : raw<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`

export async function readClock(sql: Sql, engine: 'sqlite' | 'postgres'): Promise<number> {
  const { now } = await sql.selectNoFrom(databaseNow(engine).as('now')).executeTakeFirstOrThrow()
  return now
}
