/** How the engines read pages of keys and of the audit log. */
import { beforeAll, expect, test } from 'bun:test'
import type { Sql } from '../../database/types.ts'
import { onBothEngines, type TestServer } from '../setup.ts'
import { analyze, planOf, startsOf, statementsOf } from './query-plans.ts'

/**
 * Enough rows in one project and beside it that reading all of them is never the cheapest for the
 * planner.
 */
async function fill(server: TestServer) {
  const { client, context, organization_id, project_id, owner_id } = server
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
    await addAdminKeys(sql, { organization_id, owner_id })
    const roles = Array.from({ length: 1000 }, (_, n) => ({
      organization_id,
      resource_id: `proj_${n}`,
      principal_id: owner_id,
      role: 'member',
      created_at: 1_700_000_000 + n,
    }))
    await sql.insertInto('role_assignments').values(roles).execute()
  })
  await analyze(server)
}

/** Half as many admin keys as there are keys of projects. */
async function addAdminKeys(sql: Sql, owner: { organization_id: string; owner_id: string }) {
  for (let batch = 0; batch < 40; batch++)
    await sql
      .insertInto('admin_api_keys')
      .values(
        Array.from({ length: 250 }, (_, index) => {
          const n = batch * 250 + index
          const id = `key_admin${String(n).padStart(6, '0')}`
          const digest = new Uint8Array(Buffer.from(id.padEnd(32)))
          const key = { redacted_value: 'sk-admin-...', scopes: '[]', is_imported: 0, name: 'admin key' }
          return { ...owner, ...key, id, digest, created_at: 1_700_000_000 + n * 2 }
        }),
      )
      .execute()
}

/** What a page of keys is between, by the time of its order. */
const bounds = {
  created_at: 'created_at,id',
  last_used_at: 'last_used_sort,created_at,id',
  expires_at: 'expires_sort,created_at,id',
}

/** As many events, of a few people, projects and types. */
async function fillLog(server: TestServer) {
  const { context, organization_id } = server
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
  await analyze(server)
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
            // Keys without access are few: PostgreSQL may rather look through all keys of the
            // project, and sort what it finds.
          } else if (!access.endsWith('=inactive')) {
            expect(plan, what).not.toMatch(/Seq Scan on (api_keys|role_assignments)/)
            expect(plan, what).not.toContain('Sort')
            if (sql.includes('before') && sql.includes('order by'))
              expect(plan, what).toMatch(/Index Cond: .*ROW\(created_at, id\) < ROW\(/)
          }
        }
  })

  test('a start does not read all keys', async () => {
    const plans = await Promise.all((await startsOf(server())).map((one) => planOf(server(), one)))
    expect(plans.length).toBeGreaterThan(3)
    expect(
      plans.filter((plan) => /SCAN api_keys(?! USING INDEX api_keys_redigested)|Seq Scan on api_keys/.test(plan)),
    ).toEqual([])
  })

  test('a page of the keys of all projects is read from an index, with each filter', async () => {
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
      ['expires_before=1700010000', 'expires', bounds.expires_at],
      ['never_expires=true', 'expires', bounds.expires_at],
      ['never_expires=false', 'expires', bounds.expires_at],
      ['order_by=expires_at&order=asc', 'expires', bounds.expires_at],
      [`project_ids[]=${server().project_id}`, '', bounds.created_at],
      [`owner_ids[]=${server().owner_id}`, 'owner', bounds.created_at],
      // Too many to be sorted: they are looked for among all.
      [`project_ids[]=${server().project_id}&order_by=last_used_at`, 'last_used', bounds.last_used_at],
      [`owner_ids[]=${server().owner_id}&order_by=last_used_at`, 'last_used', bounds.last_used_at],
    ])
      await expectIndex(`/organization/api_keys?${query}`, 'api_keys', query!, `api_keys_${index}`, range!)
  })

  test('a page with admin keys is read from their indexes too, with each filter', async () => {
    for (const kinds of ['kinds[]=admin', 'kinds[]=admin&kinds[]=project'])
      for (const [query, index, range] of [
        ['', 'created', bounds.created_at],
        ['after=key_admin000100&order=asc', 'created', bounds.created_at],
        ['created_after=1700010000&created_before=1700010100', 'created', bounds.created_at],
        ['name=admin', 'created', bounds.created_at],
        ['owner_type=user', 'created', bounds.created_at],
        ['never_used=true', 'last_used', bounds.created_at],
        ['never_used=false', 'last_used', bounds.last_used_at],
        ['last_used_after=1700010000&after=key_admin000100@1700010001', 'last_used', bounds.last_used_at],
        ['order_by=last_used_at', 'last_used', bounds.last_used_at],
        ['never_expires=true', 'expires', bounds.expires_at],
        ['order_by=expires_at&order=asc', 'expires', bounds.expires_at],
        [`owner_ids[]=${server().owner_id}&owner_project_access=active`, 'created', bounds.created_at],
      ])
        await expectIndex(
          `/organization/api_keys?${kinds}&${query}`,
          'admin_api_keys',
          query!,
          `admin_api_keys_${index}`,
          range!,
        )
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
      await expectIndex(
        `/organization/audit_logs?${query}`,
        'audit_logs',
        query!,
        `audit_logs_${index}`,
        'effective_at,seq',
      )
  })

  /** The statements that read the list go along this index, between two places in it. */
  async function expectIndex(path: string, table: string, query: string, index: string, range: string) {
    // Keys of the other kind are read from a table of their own.
    const statements = (await statementsOf(server(), path)).filter(
      ([sql]) => sql.includes('order by') && sql.includes(`"${table}" as "item"`),
    )
    expect(statements.length).toBeGreaterThan(0)
    for (const statement of statements) {
      const plan = await planOf(server(), statement)
      const what = `${query}\n${statement[0]}\n${plan}`
      if (server().engine === 'sqlite') {
        expect(plan, what).not.toMatch(/SCAN (?!CONSTANT ROW|found)|TEMP B-TREE/)
        const by = index === 'api_keys_' ? 'PRIMARY KEY' : `INDEX ${index}`
        const found = plan.split('\n').find((line) => line.startsWith('SEARCH item USING'))
        expect(found, what).toMatch(new RegExp(`USING (COVERING )?${by} `))
        expect(found, what).toContain(`(${range})>(`)
        expect(found, what).toContain(`(${range})<(`)
      } else {
        // PostgreSQL knows the values, and may know a better index than ours; but it never reads or
        // sorts everything.
        expect(plan, what).not.toMatch(/Seq Scan on (api_keys|admin_api_keys|audit_logs)/)
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
