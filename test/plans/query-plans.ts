/**
 * The statements that calls run, and the plans that the engine has for them: what a hot read costs
 * must not grow with the tables.
 */
import { expect } from 'bun:test'
import { adminApp } from '../../admin/admin-app.ts'
import { kyselyOver, runOf, type Run } from '../../database/kysely.ts'
import type { Sql } from '../../database/types.ts'
import { digest } from '../../keys/digest.ts'
import { loadKeyRing } from '../../keys/ring.ts'
import { projectKeyReader } from '../../keys/read-project-key.ts'
import { testPepper, type TestServer } from '../setup.ts'
import { withMembers } from '../storage/watched-reads.ts'

/** The statements that a GET runs for reading, in order. */
export async function statementsOf({ context, engine, admin_key }: TestServer, path: string) {
  const { statements, read } = watched({ context, engine })
  const app = adminApp({ ...context, database: withMembers(context.database, { read }) })
  const headers = { authorization: `Bearer ${admin_key}` }
  const answer = await app.fetch(new Request(`http://keyhall.test/v1${path}`, { headers }))
  expect(answer.status).toBe(200)
  return statements
}

export async function planOf({ context, engine }: TestServer, [sql, parameters]: Parameters<Run>) {
  const explain = engine === 'sqlite' ? 'explain query plan' : 'explain'
  const { rows } = await runOf(context.database.read)(`${explain} ${sql}`, parameters, true)
  return rows.map((row: Record<string, string>) => row.detail ?? row['QUERY PLAN']).join('\n')
}

/** The statements with which a start learns what keys there are. */
export async function startsOf({ context, engine }: TestServer) {
  const { statements, read } = watched({ context, engine })
  const database = withMembers(context.database, { read })
  const nothing = () => {}
  await loadKeyRing(database, context.keys.peppers, context.world, {
    isRevoked: () => false,
    onForged: nothing,
    onError: nothing,
  })
  return statements
}

/** The statements with which the gateway learns what a key opens. */
export async function lookUpsOf({ context, engine }: TestServer, value: string) {
  const { statements, read } = watched({ context, engine })
  expect(await projectKeyReader(read, context.keys, context.world)([digest(testPepper, value)])).toMatchObject({
    has_access: true,
  })
  return statements
}

/** The statements that a function reads with. */
export async function readsOf({ context, engine }: TestServer, reading: (read: Sql) => Promise<unknown>) {
  const { statements, read } = watched({ context, engine })
  await reading(read)
  return statements
}

/** The plans of the statements that a function would run; none of them runs, or finds anything. */
export async function plannedIn(server: TestServer, changing: (sql: Sql) => Promise<unknown>) {
  const statements: Parameters<Run>[] = []
  const run: Run = async (...statement) => {
    statements.push(statement)
    return { rows: [] }
  }
  await changing(kyselyOver(server.engine, run))
  return Promise.all(statements.map((statement) => planOf(server, statement)))
}

/** Lets PostgreSQL count the rows that were added; SQLite plans without. */
export async function analyze({ context }: TestServer) {
  if (context.database.engine === 'postgres') await runOf(context.database.read)('analyze', [], false)
}

/** Reads as the server does, and keeps the statements. */
function watched({ context, engine }: Pick<TestServer, 'context' | 'engine'>) {
  const statements: Parameters<Run>[] = []
  const run = runOf(context.database.read)
  const read = kyselyOver(engine, (...statement) => {
    statements.push(statement)
    return run(...statement)
  })
  return { statements, read }
}
