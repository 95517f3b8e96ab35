/** What the hot reads cost must not grow with the tables: the engines are asked how they would run the very statements that calls ran. */
import { expect, test } from 'bun:test'
import { adminApp } from '../admin/app.ts'
import { kyselyOver, runOf, type Run } from '../database/kysely.ts'
import { onBothEngines, type TestServer } from './setup.ts'

/** The statements that a GET runs for reading, in order. */
async function statementsOf({ context, engine, admin_key }: TestServer, path: string) {
  const statements: Parameters<Run>[] = []
  const run = runOf(context.database.read)
  const read = kyselyOver(engine, (...statement) => {
    statements.push(statement)
    return run(...statement)
  })
  const app = adminApp({ ...context, database: { ...context.database, read } })
  const headers = { authorization: `Bearer ${admin_key}` }
  const answer = await app.fetch(new Request(`http://keyhall.test/v1${path}`, { headers }))
  expect(answer.status).toBe(200)
  return statements
}

async function planOf({ context, engine }: TestServer, [sql, parameters]: Parameters<Run>) {
  const explain = engine === 'sqlite' ? 'explain query plan' : 'explain'
  const { rows } = await runOf(context.database.read)(`${explain} ${sql}`, parameters, true)
  return rows.map((row: Record<string, string>) => row.detail ?? row['QUERY PLAN']).join('\n')
}

/** Enough rows in one project and beside it that reading all of them is never the cheapest for the planner. */
async function fill({ client, context, organization_id, project_id, owner_id }: TestServer) {
  const elsewhere = await client.admin.organization.projects.create({ name: 'Elsewhere' })
  await context.database.write(async (sql) => {
    const key = { organization_id, redacted_value: 'sk-proj-...', scopes: '[]', owner_type: 'user' as const }
    const columns = { ...key, owner_id, name: 'key' }
    for (let batch = 0; batch < 80; batch++) {
      const rows = Array.from({ length: 250 }, (_, n) => {
        const id = `key_${String(batch * 250 + n).padStart(6, '0')}`
        const digest = new Uint8Array(Buffer.from(id.padEnd(32)))
        return {
          ...columns,
          id,
          project_id: batch % 2 === 0 ? project_id : elsewhere.id,
          digest,
          created_at: 1_700_000_000 + batch * 250 + n,
        }
      })
      await sql.insertInto('api_keys').values(rows).execute()
    }
    const roles = Array.from({ length: 1000 }, (_, n) => ({
      organization_id,
      resource_id: `proj_${n}`,
      principal_id: owner_id,
      role: 'member',
      created_at: 1_700_000_000 + n,
    }))
    await sql.insertInto('role_assignments').values(roles).execute()
  })
  if (context.database.engine === 'postgres') await runOf(context.database.read)('analyze', [], false)
}

onBothEngines('the plans of hot reads', (server) => {
  test('a page of keys is read from an index, in its order, from the cursor on', async () => {
    await fill(server())
    const list = `/organization/projects/${server().project_id}/api_keys?limit=20`
    for (const access of [
      '',
      '&owner_project_access=active',
      '&owner_project_access=inactive',
      '&owner_project_access=any',
    ])
      for (const after of ['', '&after=key_000100'])
        for (const statement of await statementsOf(server(), `${list}${access}${after}`)) {
          const plan = await planOf(server(), statement)
          const [sql] = statement
          const what = `${sql}\n${plan}`
          if (server().engine === 'sqlite') {
            expect(plan, what).not.toMatch(/SCAN (?!CONSTANT ROW)/)
            expect(plan, what).not.toContain('TEMP B-TREE')
            // Roles that are searched without the person are all roles of the organization.
            expect(plan, what).not.toMatch(/SEARCH \w+ USING .*\(organization_id=\?( AND resource_id=\?)?\)/)
            if (sql.includes('before') && sql.includes('order by'))
              expect(plan, what).toContain('project_id=? AND (created_at,id)<(?,?)')
            // Keys without access are few: PostgreSQL may rather look through all keys of the project, and sort what it finds.
          } else if (!access.endsWith('=inactive')) {
            expect(plan, what).not.toMatch(/Seq Scan on (api_keys|role_assignments)/)
            expect(plan, what).not.toContain('Sort')
            if (sql.includes('before') && sql.includes('order by'))
              expect(plan, what).toMatch(/Index Cond: .*ROW\(created_at, id\) < ROW\(/)
          }
        }
  })
  test('one key is found by its id, and people with what they hold', async () => {
    for (const path of [`/organization/projects/${server().project_id}/api_keys/key_000100`, '/organization/users'])
      for (const statement of await statementsOf(server(), path)) {
        const plan = await planOf(server(), statement)
        expect(plan, plan).not.toMatch(/SCAN (?!CONSTANT ROW)|Seq Scan on (api_keys|role_assignments)/)
      }
  })
})
