/**
 * A database whose reads outside of changes go by the test, which may count them, hold them up or
 * make them fail.
 */
import { kyselyOver, runOf, type Run } from '../../database/kysely.ts'
import type { Database } from '../../database/types.ts'

export type Pass = (sql: string, read: () => ReturnType<Run>) => ReturnType<Run>

export const watchReads = (database: Database, pass: Pass): Database => {
  const run = runOf(database.read)
  const read = kyselyOver(database.engine, (sql, parameters, rows) => pass(sql, () => run(sql, parameters, rows)))
  return withMembers(database, { read })
}

/** The database with some members in the place of its own. */
export const withMembers = (database: Database, members: Partial<Database>): Database =>
  new Proxy(database, {
    get(target, name) {
      if (name in members) return members[name as keyof Database]
      const member = target[name as keyof Database]
      return typeof member === 'function' ? member.bind(target) : member
    },
  })

/** Whether a statement looks project keys up by their digests. */
export const looksUpKeys = (sql: string) =>
  sql.includes('from "api_keys" as "key"') && sql.includes('"key"."digest" in')
