/** How the engines find projects by their ids and names. */
import { beforeAll, expect, test } from 'bun:test'
import { onBothEngines } from '../setup.ts'
import { analyze, planOf, statementsOf } from './query-plans.ts'

onBothEngines('the plans of lists of projects', (server) => {
  beforeAll(async () => {
    const { database, organization_id } = server()
    const projects = Array.from({ length: 10_000 }, (_, n) => ({
      organization_id,
      id: `proj_many${n}`,
      name: `Many ${n}`,
      is_default: 0,
      residency: 'GLOBAL',
      created_at: 1_700_000_000 + n,
    }))
    await database.write(async (sql) => {
      for (let n = 0; n < projects.length; n += 500)
        await sql
          .insertInto('projects')
          .values(projects.slice(n, n + 500))
          .execute()
    })
    await analyze(server())
  })

  const planned = async (query: string) => {
    const statements = await statementsOf(server(), `/organization/projects?limit=20&${query}`)
    const [statement] = statements.filter(([sql]) => sql.includes('from "projects"'))
    return planOf(server(), statement!)
  }

  test('projects are found by their ids without reading the table as a whole', async () => {
    const plan = await planned('ids=proj_many7&ids=proj_many9999')
    expect(plan).not.toMatch(/Seq Scan|SCAN|TEMP B-TREE/)
    expect(plan).toMatch(server().engine === 'sqlite' ? 'projects_page' : 'projects_pkey')
  })

  test('a name that many projects have is found in the order of the list, without sorting them', async () => {
    const plan = await planned('name=many')
    expect(plan).not.toMatch(/Sort|TEMP B-TREE|Seq Scan/)
    expect(plan).toContain('projects_page')
  })
})
