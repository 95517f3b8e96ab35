/** A database whose reads outside of changes go by the test, which may count them, hold them up or make them fail. */
import { kyselyOver, runOf, type Run } from '../../database/kysely.ts'
import type { Database } from '../../database/open.ts'

export type Pass = (sql: string, read: () => ReturnType<Run>) => ReturnType<Run>

export const watchReads = (database: Database, pass: Pass): Database => {
  const run = runOf(database.read)
  const read = kyselyOver(database.engine, (sql, parameters, rows) => pass(sql, () => run(sql, parameters, rows)))
  return { ...database, read }
}

/** Whether a statement looks project keys up by their digests. */
export const looksUpKeys = (sql: string) =>
  sql.includes('from "api_keys" as "key"') && sql.includes('"key"."digest" in')
