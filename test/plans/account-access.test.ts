/** How the engines find what service accounts have access to. */
import { beforeAll, expect, test } from 'bun:test'
import { onBothEngines, type TestServer } from '../setup.ts'
import { analyze, lookUpsOf, planOf, statementsOf } from './query-plans.ts'

/**
 * A large group of service accounts, each with a role of its own besides; and the keys of two more,
 * of which one is in the group.
 */
async function fillGroup(server: TestServer) {
  const { client, context, organization_id, project_id } = server
  const { groups, projects } = client.admin.organization
  const group = await groups.create({ name: 'Large' })
  const keys = []
  for (const name of ['Alone', 'Grouped']) {
    const { id, api_key } = await projects.serviceAccounts.create(project_id, { name })
    if (name === 'Grouped') await groups.users.create(group.id, { user_id: id })
    keys.push(api_key!.value)
  }
  await context.database.write(async (sql) => {
    for (let batch = 0; batch < 20; batch++) {
      const robots = Array.from({ length: 100 }, (_, n) => ({
        id: `user-robot${String(batch * 100 + n).padStart(4, '0')}`,
        organization_id,
        created_at: 1_700_000_000 + batch * 100 + n,
      }))
      await sql
        .insertInto('service_accounts')
        .values(robots.map((robot) => ({ ...robot, project_id, name: 'Robot', role: 'none' })))
        .execute()
      const by = <Named extends string>(name: Named) =>
        robots.map(({ id, ...rest }) => ({ ...rest, [name]: id }) as typeof rest & Record<Named, string>)
      await sql
        .insertInto('group_users')
        .values(by('user_id').map((row) => ({ ...row, group_id: group.id })))
        .execute()
      await sql
        .insertInto('role_assignments')
        .values(by('principal_id').map((row) => ({ ...row, resource_id: project_id, role: 'viewer' })))
        .execute()
    }
  })
  await analyze(server)
  return { group_id: group.id, keys }
}

onBothEngines('the plans of what service accounts hold', (server) => {
  let filled: Awaited<ReturnType<typeof fillGroup>>
  beforeAll(async () => {
    filled = await fillGroup(server())
  })

  test('a page of group members or service accounts is read from an index, in order', async () => {
    const lists = {
      [`/organization/groups/${filled.group_id}/users`]: 'group_users_page',
      [`/organization/projects/${server().project_id}/service_accounts`]: 'service_accounts_page',
    }
    for (const [path, index] of Object.entries(lists))
      for (const after of ['', '&after=user-robot0100'])
        for (const statement of await statementsOf(server(), `${path}?limit=20${after}`)) {
          const plan = await planOf(server(), statement)
          const [sql] = statement
          const what = `${sql}\n${plan}`
          if (server().engine === 'postgres')
            expect(plan, what).not.toMatch(/Seq Scan on (group_users|service_accounts|role_assignments)|Sort/)
          else {
            expect(plan, what).not.toMatch(/SCAN (?!CONSTANT ROW)|TEMP B-TREE/)
            if (sql.includes('order by')) expect(plan, what).toMatch(`INDEX ${index} `)
          }
        }
  })

  test('access of a key is found by indexes, without a query for roles where there are none', async () => {
    for (const [n, key] of filled.keys.entries()) {
      const lookUps = await lookUpsOf(server(), key)
      // The key, the limits of its project, and roles only where some may be held.
      expect(lookUps.length).toBe(n + 2)
      for (const statement of lookUps) {
        const plan = await planOf(server(), statement)
        const what = `${statement[0]}\n${plan}`
        expect(plan, what).not.toMatch(/SCAN (?!CONSTANT ROW)|Seq Scan on (role_assignments|group_users)/)
        expect(plan, what).not.toMatch(/SEARCH \w+ USING .*\(organization_id=\?( AND resource_id=\?)?\)/)
      }
    }
  })
})
