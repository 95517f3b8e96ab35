/** What the hot reads cost must not grow with the tables: the engines are asked how they would run the very statements that calls ran. */
import { beforeAll, expect, test } from 'bun:test'
import { adminApp } from '../admin/app.ts'
import { kyselyOver, runOf, type Run } from '../database/kysely.ts'
import { digest } from '../keys/digest.ts'
import { projectKeyReader } from '../keys/project-keys.ts'
import { onBothEngines, testPepper, type TestServer } from './setup.ts'

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

/** As many events, of a few people, projects and types. */
async function fillLog({ context, organization_id }: TestServer) {
  await context.database.write(async (sql) => {
    for (let batch = 0; batch < 40; batch++)
      await sql
        .insertInto('audit_logs')
        .values(
          Array.from({ length: 250 }, (_, index) => {
            const n = batch * 250 + index
            return {
              organization_id,
              seq: 100 + n,
              id: `audit_log-${n}`,
              type: ['group.created', 'group.updated', 'tenant.group.member.added'][n % 3]!,
              effective_at: 1_700_000_000 + n,
              project_id: `proj_${n % 5}`,
              actor_id: `user-${n % 4}`,
              actor_email: `${n % 4}@example.com`,
              actor_key_id: `key_${n % 9}`,
              resource_id: `group_${n % 50}`,
              entry: JSON.stringify({ id: `audit_log-${n}`, actor: {} }),
              hash: new Uint8Array(32),
            }
          }),
        )
        .execute()
  })
  if (context.database.engine === 'postgres') await runOf(context.database.read)('analyze', [], false)
}

onBothEngines('the plans of hot reads', (server) => {
  // All at once: bun:sqlite leaves an `explain` open, and with it the snapshot that it read.
  beforeAll(async () => {
    await fill(server())
    await fillLog(server())
  })

  test('a page of keys is read from an index, in its order, from the cursor on', async () => {
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

  test('a page of the keys of all projects is read from an index, by each filter and the usual two together', async () => {
    const bounds = { created_at: 'created_at,id', last_used_at: 'last_used_place,created_at,id' }
    for (const [query, index, range] of [
      ['', 'search', bounds.created_at],
      ['after=key_000100&order=asc', 'search', bounds.created_at],
      ['created_before=1700010000', 'search', bounds.created_at],
      ['created_after=1700010000&created_before=1700010100', 'search', bounds.created_at],
      ['owner_type=user', 'owner_type', bounds.created_at],
      ['never_used=true', 'last_used', bounds.created_at],
      ['never_used=true&created_before=1700010000', 'last_used', bounds.created_at],
      ['never_used=false', 'last_used', bounds.last_used_at],
      ['last_used_before=1700010000', 'last_used', bounds.last_used_at],
      ['last_used_after=1700010000&after=key_000100@1700010001', 'last_used', bounds.last_used_at],
      ['order_by=last_used_at', 'last_used', bounds.last_used_at],
      ['expires_before=1700010000', 'expires', 'expires_place,created_at,id'],
      ['order_by=expires_at&order=asc', 'expires', 'expires_place,created_at,id'],
      [`project_ids[]=${server().project_id}`, '', bounds.created_at],
      [`owner_ids[]=${server().owner_id}`, 'owner', bounds.created_at],
      // Too many to be sorted: they are looked for among all.
      [`project_ids[]=${server().project_id}&order_by=last_used_at`, 'last_used', bounds.last_used_at],
      [`owner_ids[]=${server().owner_id}&order_by=last_used_at`, 'last_used', bounds.last_used_at],
    ])
      await expectIndex(`/organization/api_keys?${query}`, 'item', query!, `api_keys_${index}`, range!)
  })

  test('only the keys of an owner or project are sorted, where they are few', async () => {
    for (const [filter, index] of [
      ['owner_ids', 'api_keys_owner .organization_id=. AND owner_id=.'],
      ['project_ids', 'PRIMARY KEY .organization_id=. AND project_id=.'],
    ])
      for (const order_by of ['last_used_at', 'expires_at']) {
        const path = `/organization/api_keys?${filter}[]=somebody&order_by=${order_by}`
        const sorted = (await statementsOf(server(), path)).filter(([sql]) => sql.includes('order by'))
        expect(sorted.length).toBe(1)
        const plan = await planOf(server(), sorted[0]!)
        if (server().engine === 'sqlite') expect(plan).toMatch(new RegExp(`SEARCH item USING (INDEX )?${index}`))
        else expect(plan).not.toMatch(/Seq Scan on (api_keys|role_assignments)/)
      }
  })

  test('a page of the audit log is read from an index, by each filter', async () => {
    for (const [query, index] of [
      ['', 'page'],
      ['effective_at[gt]=1700000100&effective_at[lt]=1700009000', 'page'],
      ['after=audit_log-100', 'page'],
      ['before=audit_log-100', 'page'],
      ['project_ids[]=proj_1', 'project'],
      ['event_types[]=group.created&effective_at[lt]=1700009000', 'type'],
      ['actor_emails[]=1@example.com', 'email'],
      ['resource_ids[]=group_5', 'resource'],
      ['tenant_only=true', 'type'],
    ])
      await expectIndex(`/organization/audit_logs?${query}`, 'item', query!, `audit_logs_${index}`, 'effective_at,seq')
  })

  /** The statements that read the list go along this index, between two places in it. */
  async function expectIndex(path: string, table: string, query: string, index: string, range: string) {
    for (const statement of (await statementsOf(server(), path)).filter(([sql]) => sql.includes('order by'))) {
      const plan = await planOf(server(), statement)
      const what = `${query}\n${statement[0]}\n${plan}`
      if (server().engine === 'sqlite') {
        expect(plan, what).not.toMatch(/SCAN (?!CONSTANT ROW|found)|TEMP B-TREE/)
        const by = index === 'api_keys_' ? 'PRIMARY KEY' : `INDEX ${index}`
        const found = plan.split('\n').find((line) => line.startsWith(`SEARCH ${table} USING`))
        expect(found, what).toMatch(new RegExp(`USING (COVERING )?${by} `))
        expect(found, what).toContain(`(${range})>(`)
        expect(found, what).toContain(`(${range})<(`)
      } else {
        // PostgreSQL knows the values, and may know a better index than ours; but it never reads or sorts everything.
        expect(plan, what).not.toMatch(/Seq Scan on (api_keys|audit_logs)/)
        expect(plan, what).not.toContain('Sort')
        expect(plan, what).toMatch(/Index Cond: .*ROW\(/)
      }
    }
  }

  test('one key is found by its id, and people with what they hold', async () => {
    for (const path of [`/organization/projects/${server().project_id}/api_keys/key_000100`, '/organization/users'])
      for (const statement of await statementsOf(server(), path)) {
        const plan = await planOf(server(), statement)
        expect(plan, plan).not.toMatch(/SCAN (?!CONSTANT ROW)|Seq Scan on (api_keys|role_assignments)/)
      }
  })
})

/** A large group of service accounts, each with a role of its own besides; and the keys of two more, of which one is in the group. */
async function fillGroup({ client, context, organization_id, project_id }: TestServer) {
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
  if (context.database.engine === 'postgres') await runOf(context.database.read)('analyze', [], false)
  return { group_id: group.id, keys }
}

/** The statements with which the gateway learns what a key opens. */
async function lookUpsOf({ context, engine }: TestServer, value: string) {
  const statements: Parameters<Run>[] = []
  const run = runOf(context.database.read)
  const read = kyselyOver(engine, (...statement) => {
    statements.push(statement)
    return run(...statement)
  })
  expect(await projectKeyReader(read, context.world)(digest(testPepper, value))).toMatchObject({ has_access: true })
  return statements
}

onBothEngines('the plans of what service accounts hold', (server) => {
  let filled: Awaited<ReturnType<typeof fillGroup>>
  beforeAll(async () => {
    filled = await fillGroup(server())
  })

  test('a page of the members of a group, and of the accounts of a project, is read from an index, in its order', async () => {
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

  test('what a key opens is found by indexes, and roles are looked for only where some may be held', async () => {
    for (const [n, key] of filled.keys.entries()) {
      const lookUps = await lookUpsOf(server(), key)
      expect(lookUps.length).toBe(n + 1)
      for (const statement of lookUps) {
        const plan = await planOf(server(), statement)
        const what = `${statement[0]}\n${plan}`
        expect(plan, what).not.toMatch(/SCAN (?!CONSTANT ROW)|Seq Scan on (role_assignments|group_users)/)
        expect(plan, what).not.toMatch(/SEARCH \w+ USING .*\(organization_id=\?( AND resource_id=\?)?\)/)
      }
    }
  })
})
