/**
 * From when on usage by the minute and by the hour is kept. It is written before the first older
 * row is deleted, so a reader who finds it unchanged afterwards has missed no row.
 */
import { sql as raw, type RawBuilder } from 'kysely'
import type { Sql } from '../database/types.ts'

/** Minutes since 1970, the begin of a day; 0 while nothing was pruned. Days are kept for ever. */
export type Kept = Readonly<Record<'minute' | 'hour', number>>

type KeptRow = { width: keyof Kept; since: number }

export const keptStatement: RawBuilder<KeptRow> = raw<KeptRow>`select width, since from usage_kept`

export function keptFrom(rows: readonly KeptRow[]): Kept {
  const kept = { minute: 0, hour: 0 }
  for (const { width, since } of rows) kept[width] = since
  return kept
}

export const keptUsage = async (sql: Sql): Promise<Kept> => keptFrom((await keptStatement.execute(sql)).rows)

/** Answers what `read` found when nothing was pruned meanwhile. */
export async function readKept<Result>(sql: Sql, read: (kept: Kept) => Promise<Result>): Promise<Result> {
  let kept = await keptUsage(sql)
  for (;;) {
    const result = await read(kept)
    const now = await keptUsage(sql)
    if (now.minute === kept.minute && now.hour === kept.hour) return result
    kept = now
  }
}

/** Never moves back, so that servers with different settings agree. */
export async function keepFrom(sql: Sql, width: keyof Kept, since: number) {
  await sql
    .insertInto('usage_kept')
    .values({ width, since })
    .onConflict((conflict) => conflict.column('width').doUpdateSet({ since }).where('usage_kept.since', '<', since))
    .execute()
}
