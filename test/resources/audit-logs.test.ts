import { beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import OpenAI, { BadRequestError, NotFoundError } from 'openai'
import { isTenantEvent } from '../../contract/audit-event-types.ts'
import { verifyChain } from '../../admin/verify-chain.ts'
import { runs } from '../runs.ts'
import { newInviteToken } from '../made.ts'
import { addPerson, addTenant, giveAdminKey, onBothEngines, testPepper, type TestServer } from '../setup.ts'

type Entry = OpenAI.Admin.Organization.AuditLogListResponse
type Query = OpenAI.Admin.Organization.AuditLogListParams

const refused = (promise: PromiseLike<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
  )

onBothEngines('audit logs', (server) => {
  const logs = () => server().client.admin.organization.auditLogs
  let all: Entry[]
  beforeAll(async () => {
    await makeHistory(server())
    all = await Array.fromAsync(logs().list({ limit: 100 }))
  })

  test('are listed newest first, each with its project and its actor', async () => {
    const { owner_id, project_id } = server()
    expect(all.length).toBeGreaterThan(40)
    expect(all.map(({ effective_at }) => effective_at)).toEqual(
      all.map(({ effective_at }) => effective_at).toSorted((a, b) => b - a),
    )
    const group = all.find(({ type }) => type === 'group.created')!
    expect(group).toEqual({
      object: 'organization.audit_log',
      id: expect.stringMatching(/^audit_log-/),
      type: 'group.created',
      effective_at: expect.any(Number),
      project: { id: project_id, name: 'Default project' },
      actor: {
        type: 'api_key',
        api_key: {
          id: expect.stringMatching(/^key_/),
          type: 'user',
          user: { id: owner_id, email: 'owner@example.com' },
          ip_address: '192.0.2.1',
          user_agent: expect.stringContaining('OpenAI'),
        },
      },
      'group.created': { id: expect.stringMatching(/^group_/), data: { group_name: expect.any(String) } },
    } as never)
    const created = all.find((entry) => entry['project.created']?.data?.name === 'Search')!
    expect(created.project).toEqual({ id: created['project.created']!.id!, name: 'Search, renamed' })
  })

  test('what was done on the host has no actor, and no project that it did not happen in', async () => {
    const [key, project] = all.slice(-2)
    expect(key).toMatchObject({ type: 'api_key.created', actor: null })
    expect(key).not.toHaveProperty('project')
    expect(project).toMatchObject({ type: 'project.created', actor: null, project: { id: server().project_id } })
  })

  test('who accepted an invite did it without a key, and in no project', () => {
    const accepted = all.find(({ type }) => type === 'invite.accepted')!
    expect(accepted).not.toHaveProperty('project')
    expect(accepted.actor).toMatchObject({ type: 'session', session: { user: { email: 'bob@example.com' } } })
  })

  test('every mix of filters, limits and directions lists each matching entry once', async () => {
    await fc.assert(
      fc.asyncProperty(queries(all), async ({ query, backwards, limit }) => {
        const wanted = all.filter((entry) => agrees(entry, query)).map(({ id }) => id)
        const seen: string[] = []
        let last: string | null = backwards ? all.at(-1)!.id : null
        // Walking backwards begins at the oldest entry of all, which is not shown itself.
        const expected = backwards ? wanted.filter((id) => id !== last) : wanted
        for (;;) {
          const page = await logs().list({
            ...query,
            limit,
            ...(last && { [backwards ? 'before' : 'after']: last }),
          })
          const ids = page.data.map(({ id }) => id)
          if (backwards) seen.unshift(...ids)
          else seen.push(...ids)
          if (page.has_more) expect(ids.length).toBe(limit)
          if (!page.has_more) break
          last = backwards ? ids[0]! : ids.at(-1)!
        }
        expect(seen).toEqual(expected)
      }),
      runs(100),
    )
  })

  test('entries written during a walk do not disturb it, and are found by reading on', async () => {
    const { groups } = server().client.admin.organization
    const seen: string[] = []
    const written: string[] = []
    for await (const page of (await logs().list({ limit: 9 })).iterPages()) {
      seen.push(...page.data.map(({ id }) => id))
      written.unshift((await groups.create({ name: `During page ${seen.length}` })).id)
    }
    const expected = await Array.fromAsync(logs().list({ limit: 100 }))
    expect(seen).toEqual(expected.slice(written.length).map(({ id }) => id))
    const news: Entry[] = []
    for (let before = seen[0]!, more = true; more; before = news[0]!.id) {
      const page = await logs().list({ before, limit: 4 })
      news.unshift(...page.data)
      more = page.has_more
    }
    expect(news.map((entry) => targetOf(entry))).toEqual(written)
    all = expected
  })

  test('after and before together show what lies between, from the newer end', async () => {
    const [newer, older] = [all[3]!, all[9]!]
    const between = (limit: number) => logs().list({ after: newer.id, before: older.id, limit })
    expect(await between(3)).toMatchObject({ data: all.slice(4, 7), has_more: true })
    expect(await between(5)).toMatchObject({ data: all.slice(4, 9), has_more: false })
  })

  describe('filters', () => {
    test('find what a person, a key or an address did', async () => {
      const entry = all.find(({ actor }) => actor?.api_key?.user?.email === 'ann@example.com')!
      const { id, user } = entry.actor!.api_key!
      const by = (query: Query) => Array.fromAsync(logs().list(query))
      const hers = await by({ actor_ids: [user!.id!] })
      expect(hers.length).toBeGreaterThan(0)
      expect(await by({ actor_ids: [id!] })).toEqual(hers)
      expect(await by({ actor_ids: [id!, user!.id!] })).toEqual(hers)
      expect(await by({ actor_emails: ['ANN@Example.com'] })).toEqual(hers)
    })

    test('refuse types that do not exist, and types that contradict tenant_only', async () => {
      const unknown = await refused(logs().list({ event_types: ['project.created', 'project.exploded' as never] }))
      expect(unknown).toBeInstanceOf(BadRequestError)
      expect(unknown).toMatchObject({ code: 'invalid_value', param: 'event_types[1]' })
      const other = await refused(
        logs().list({ tenant_only: true, event_types: ['tenant.user.added', 'project.created'] }),
      )
      expect(other).toMatchObject({ status: 400, code: 'invalid_value', param: 'event_types[1]' })
      expect((await logs().list({ event_types: ['login.failed'] })).data).toEqual([])
    })

    test('take the time range percent-encoded or not, and nothing else in its place', async () => {
      const { effective_at } = all[10]!
      const ask = async (search: string) => {
        const response = await server().request('GET', `/organization/audit_logs?limit=100&${search}`)
        return { status: response.status, ...((await response.json()) as { data: Entry[]; error: object }) }
      }
      const wanted = all.filter((entry) => entry.effective_at > effective_at)
      expect((await ask(`effective_at[gt]=${effective_at}`)).data).toEqual(wanted)
      expect((await ask(`effective_at%5Bgt%5D=${effective_at}`)).data).toEqual(wanted)
      expect((await ask(`effective_at[gt]=${effective_at}&effective_at%5Blte%5D=${effective_at}`)).data).toEqual([])
      expect((await ask('effective_at[unheard_of]=1')).data).toEqual(all.slice(0, 100))
      for (const wrong of ['effective_at=5', 'effective_at=5&effective_at[gt]=3', 'effective_at[gt]=3&effective_at=5'])
        expect(await ask(wrong)).toMatchObject({ status: 400, error: { param: 'effective_at', code: 'invalid_type' } })
      expect(await ask('effective_at[gt]=soon')).toMatchObject({ status: 400, error: { param: 'effective_at.gt' } })
    })
  })

  test('a cursor that the log never had is a 404 that names the parameter', async () => {
    const other = await addTenant(server())
    const { data } = (await (await other.request('GET', '/organization/audit_logs')).json()) as { data: Entry[] }
    for (const id of ['nope', data[0]!.id])
      for (const param of ['after', 'before']) {
        const error = await refused(logs().list({ [param]: id, effective_at: { lt: 5 } }))
        expect(error).toBeInstanceOf(NotFoundError)
        expect(error).toMatchObject({ param, code: 'cursor_not_found' })
      }
  })

  test('an entry is never older than the one before it, unless the clock was wrong by minutes', async () => {
    const { world, client } = server()
    const { ahead } = world
    const groups = client.admin.organization.groups
    const happenedAt = async (ahead_by: number) => {
      world.ahead = ahead + ahead_by
      const { id } = await groups.create({ name: `Ahead by ${ahead_by}` })
      return (await logs().list({ resource_ids: [id] })).data[0]!.effective_at
    }
    try {
      const front = await happenedAt(100_000)
      expect(await happenedAt(100_000 - 200)).toBe(front)
      expect(await happenedAt(50_000)).toBeLessThan(front - 40_000)
      expect((await logs().list({ limit: 1 })).data[0]!.effective_at).toBe(front)
    } finally {
      world.ahead = ahead
    }
    expect((await verifyChain(server().database.read, [testPepper])).broken).toBe(null)
  })
})

/**
 * Sixty or so events: of two people with three keys, in three projects and outside, over ten days.
 */
async function makeHistory(server: TestServer) {
  const { client, world } = server
  const { organization } = client.admin
  const ann = await addPerson(server, { id: 'user-ann', email: 'Ann@example.com'.toLowerCase(), role: 'owner' })
  const later = async () => {
    world.ahead += 3600
  }
  const search = await organization.projects.create({ name: 'Search' })
  await later()
  const second = await organization.adminAPIKeys.create({ name: 'second' })
  await giveAdminKey(server, second.id, ann)
  const hers = second.value
  for (const [n, { admin }] of [client, server.clientWith(hers), client].entries()) {
    const { groups, projects, roles } = admin.organization
    const group = await groups.create({ name: `Group ${n}` })
    await groups.users.create(group.id, { user_id: ann })
    await later()
    const role = await roles.create({ role_name: `Role ${n}`, permissions: ['api.model.read'] })
    await groups.roles.create(group.id, { role_id: role.id })
    const project = await projects.create({ name: `Project ${n}` })
    const account = await projects.serviceAccounts.create(project.id, { name: 'robot' })
    await later()
    for (const { id } of [project, search]) {
      await projects.groups.create(id, { group_id: group.id, role: 'role-api-project-member' })
      await projects.users.create(id, { user_id: ann, role: 'member' }).catch(() => null)
    }
    await projects.apiKeys.update(account.api_key!.id, { project_id: project.id, scopes: ['api.all.read'] })
    await groups.users.delete(ann, { group_id: group.id })
    await later()
    await projects.serviceAccounts.delete(account.id, { project_id: project.id })
    await groups.update(group.id, { name: `Group ${n}, renamed` })
    if (n === 1) await projects.archive(project.id)
  }
  await organization.projects.update(search.id, { name: 'Search, renamed' })
  const invite = await organization.invites.create({ email: 'bob@example.com', role: 'reader', projects: [] })
  const body = { token: await newInviteToken(server, invite.id), name: 'Bob' }
  await server.request('POST', '/organization/invites/accept', body)
  world.ahead += 86_400
}

/** Queries of values that the entries have, and a few that none has. */
function queries(all: Entry[]) {
  const some = <Value>(values: readonly Value[], most: number) => {
    const different = [...new Set(values)]
    return fc.subarray(different, { minLength: 1, maxLength: Math.min(most, different.length) })
  }
  const ids = (values: (string | undefined)[]) => some([...values.filter((value) => value !== undefined), 'nobody'], 7)
  const times = all.map(({ effective_at }) => effective_at)
  const time = fc.constantFrom(...new Set(times), Math.max(...times) + 1)
  const optional = { requiredKeys: [] as [] }
  return fc.record({
    limit: fc.integer({ min: 1, max: 20 }),
    backwards: fc.boolean(),
    query: fc
      .record(
        {
          effective_at: fc.record({ gt: time, gte: time, lt: time, lte: time }, optional),
          project_ids: ids(all.map(({ project }) => project?.id)),
          event_types: some([...all.map(({ type }) => type), 'login.failed' as const], 20),
          actor_ids: ids(all.flatMap((entry) => [entry.actor?.api_key?.id, userOf(entry)?.id])),
          actor_emails: ids(all.map((entry) => userOf(entry)?.email)),
          resource_ids: ids(all.map(targetOf)),
          tenant_only: fc.boolean(),
        },
        optional,
      )
      .map((query): Query => {
        if (query.tenant_only && query.event_types) query.event_types = query.event_types.filter(isTenantEvent)
        if (query.event_types?.length === 0) delete query.event_types
        return query
      }),
  })
}

const userOf = ({ actor }: Entry) => actor?.api_key?.user ?? actor?.session?.user

const targetOf = (entry: Entry) => (entry[entry.type as 'project.created'] as { id: string }).id

function agrees(entry: Entry, query: Query) {
  const { gt = -1, gte = -1, lt = Infinity, lte = Infinity } = query.effective_at ?? {}
  const { effective_at: at, actor, project, type } = entry
  const user = userOf(entry)
  const among = (wanted: string[] | undefined, ...has: (string | undefined)[]) =>
    !wanted || has.some((value) => value !== undefined && wanted.includes(value))
  return (
    at > gt &&
    at >= gte &&
    at < lt &&
    at <= lte &&
    among(query.project_ids, project?.id) &&
    among(query.event_types, type) &&
    among(query.actor_ids, actor?.api_key?.id, user?.id) &&
    among(query.actor_emails, user?.email) &&
    among(query.resource_ids, targetOf(entry)) &&
    (!query.tenant_only || isTenantEvent(type))
  )
}
