/** How the engines find people by their addresses. */
import { beforeAll, expect, test } from 'bun:test'
import { peopleWith } from '../../admin/sessions/sign-in-links.ts'
import { onBothEngines } from '../setup.ts'
import { analyze, planOf, readsOf } from './query-plans.ts'

onBothEngines('the plans of who has an address', (server) => {
  beforeAll(async () => {
    const { database, organization_id } = server()
    const people = Array.from({ length: 2000 }, (_, n) => ({
      organization_id,
      id: `user-many${n}`,
      email: `many${n}@example.com`,
      name: `Many ${n}`,
      created_at: 1_700_000_000 + n,
    }))
    await database.write(async (sql) => {
      for (let n = 0; n < people.length; n += 500)
        await sql
          .insertInto('users')
          .values(people.slice(n, n + 500))
          .execute()
    })
    await analyze(server())
  })

  test('a link to sign in reads one person of each organization, from an index', async () => {
    let found: Awaited<ReturnType<typeof peopleWith>> = []
    const statements = await readsOf(server(), async (read) => (found = await peopleWith(read, 'MANY7@example.com')))
    expect(found).toMatchObject([{ id: 'user-many7', email: 'many7@example.com' }])
    const ofUsers = statements.filter(([sql]) => sql.includes('from "users"'))
    expect(ofUsers).toHaveLength(1)
    const plan = await planOf(server(), ofUsers[0]!)
    expect(plan).toMatch(/users_email/)
    expect(plan).not.toMatch(/Seq Scan|SCAN/)
  })
})
