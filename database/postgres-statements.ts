/** Kysely over connections to PostgreSQL. */
import { kyselyOver } from './kysely.ts'
import { translate } from './postgres-faults.ts'
import type { Ask } from './postgres-client.ts'
import type { Sql } from './types.ts'

export const sqlOn = (ask: Ask): Sql =>
  kyselyOver('postgres', async (sql, parameters) => {
    try {
      const rows = await ask(sql, parameters as any[])
      return { rows: rows.map(withNumbers), numAffectedRows: BigInt(rows.count ?? 0) }
    } catch (error) {
      throw translate(error)
    }
  })

/** Our bigint columns hold times and counters, which a number can hold. */
function withNumbers(row: Record<string, unknown>) {
  for (const column in row) if (typeof row[column] === 'bigint') row[column] = Number(row[column])
  return row
}
