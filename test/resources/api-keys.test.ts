import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { clientOf, failure } from '../client/setup.ts'
import { runs } from '../runs.ts'
import { addTenant, onBothEngines, type TestServer } from '../setup.ts'
import { agrees, directions, inOrder, issueKeys, orders, queries, type Key, type Query } from './inventory.ts'

onBothEngines('the keys of all projects', (server) => {
  const client = () => clientOf(server())
  const list = (query: Query = {}) => client().admin.organization.apiKeys.list(query)
  const walk = async (query: Query) => Array.fromAsync(await list(query))
  let all: Key[]
  beforeAll(async () => {
    await issueKeys(server())
    all = await walk({ limit: 100 })
  })

  test('are all in one list, each with its project, those of archived projects too', async () => {
    const { projects } = client().admin.organization
    const each: unknown[] = []
    for await (const project of projects.list({ include_archived: true }))
      for await (const key of projects.apiKeys.list(project.id, { owner_project_access: 'any' }))
        each.push({ ...key, project_id: project.id })
    expect(all.length).toBe(each.length)
    expect(all.length).toBeGreaterThan(40)
    expect(new Set(all.map((key) => JSON.stringify(key)))).toEqual(new Set(each.map((key) => JSON.stringify(key))))
    expect(all.map(({ owner_project_access }) => owner_project_access)).toContain('inactive')
    expect(all.map(({ created_at }) => created_at)).toEqual(
      all.map(({ created_at }) => created_at).toSorted((a, b) => b - a),
    )
  })

  test('every mix of filters, order and page size lists each matching key once', async () => {
    await fc.assert(
      fc.asyncProperty(queries(all), async (query) => {
        const expected = all.filter((key) => agrees(key, query)).toSorted(inOrder(query))
        expect((await walk(query)).map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      }),
      runs(100),
    )
  })

  test('are ordered by the time that is asked for, unless an order is named', async () => {
    const by = async (query: Query) => (await walk({ limit: 100, ...query })).map(({ id }) => id)
    const before = Math.max(...all.map(({ created_at }) => created_at)) + 1
    const times = { last_used_before: before, last_used_after: 1, never_used: false, expires_before: 2_000_000_000 }
    for (const [filter, order_by] of [
      ['last_used_before', 'last_used_at'],
      ['last_used_after', 'last_used_at'],
      ['never_used', 'last_used_at'],
      ['expires_before', 'expires_at'],
    ] as const) {
      const query = { [filter]: times[filter] }
      expect(await by(query)).toEqual(await by({ ...query, order_by }))
      expect(await by(query)).not.toEqual(await by({ ...query, order_by: 'created_at' }))
    }
  })

  test('never used sorts before every time of use, never expires after every expiry', async () => {
    const [first] = (await list({ order_by: 'last_used_at', order: 'asc', limit: 1 })).data
    expect(first!.last_used_at).toBe(null)
    const last = (await walk({ order_by: 'expires_at', order: 'asc', limit: 100 })).at(-1)!
    expect(last.expires_at).toBe(null)
    const unused = await walk({ last_used_before: 5 })
    expect(unused.length).toBeGreaterThan(3)
    expect(unused.every(({ last_used_at }) => last_used_at === null)).toBe(true)
    expect(await walk({ last_used_before: 5, never_used: false })).toEqual([])
    expect(await walk({ last_used_after: 5, never_used: true })).toEqual([])
    const expiring = await walk({ expires_before: 99_999_999_999_999 })
    expect(expiring.length).toBeGreaterThan(3)
    expect(expiring.every(({ expires_at }) => expires_at !== null)).toBe(true)
  })

  test('a part of a name is found as it is written, in upper or lower case', async () => {
    const named = async (name: string) => (await walk({ name, order: 'asc' })).map((key) => key.name)
    expect(await named('_%')).toEqual(['100_% Sure\\'])
    expect(await named('sURE\\')).toEqual(['100_% Sure\\'])
    expect(await named('0%S')).toEqual([])
    expect(await named('Ä')).toEqual(['Äpfel'])
    expect(await named("'; drop")).toEqual([])
  })

  test('a cursor is any key that ever was, in the place that it had', async () => {
    const { projects } = client().admin.organization
    for (const order_by of orders)
      for (const order of directions) {
        const everything = await walk({ order_by, order, limit: 100 })
        const page = await list({ order_by, order, limit: 4 })
        const rest = everything.slice(4).map(({ id }) => id)
        expect(page.last_id.startsWith(everything[3]!.id)).toBe(true)
        for (const after of [page.last_id, everything[3]!.id])
          expect((await walk({ order_by, order, after })).map(({ id }) => id)).toEqual(rest)
      }
    const { project_id } = server()
    const key = await projects.apiKeys.create(project_id, { name: 'short-lived', user_id: server().owner_id })
    await projects.apiKeys.delete(key.id, { project_id })
    expect((await walk({ after: key.id })).map(({ id }) => id)).toEqual(all.map(({ id }) => id))
    const other = await addTenant(server())
    const foreign = await clientOf({
      ...server(),
      admin_key: other.admin_key,
    } as TestServer).admin.organization.projects.apiKeys.create(other.project_id, {
      name: 'foreign',
      user_id: other.owner_id,
    })
    for (const order_by of orders)
      for (const after of ['nope', foreign.id, `${foreign.id}@5`, `${all[0]!.id}@soon`, `${all[0]!.id}@`, '@never'])
        expect(await failure(list({ order_by, after }))).toMatchObject({
          status: 404,
          param: 'after',
          code: 'cursor_not_found',
        })
  })

  test('a key that stays unchanged during a walk is listed exactly once', async () => {
    const { world, context, organization_id } = server()
    const { projects } = client().admin.organization
    const project = await projects.create({ name: 'Walked' })
    const within = { project_ids: [project.id] }
    const add = async () =>
      projects.apiKeys.create(project.id, { name: 'walked', user_id: server().owner_id, expires_in_seconds: 5000 })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...orders),
        fc.constantFrom(...directions),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.array(
          fc.record({
            use: fc.nat({ max: 20 }),
            prolong: fc.nat({ max: 20 }),
            remove: fc.nat({ max: 20 }),
            add: fc.boolean(),
          }),
          { maxLength: 6 },
        ),
        async (order_by, order, limit, alone, rounds) => {
          // The keys of one project are found by another index than all keys are.
          const query = { order_by, order, limit, ...(alone && within) }
          for (let n = (await walk({ ...within, limit: 100 })).length; n < 9; n++) {
            await add()
            world.ahead += n % 2
          }
          const before = await walk({ ...query, limit: 100 })
          const mine = before.filter(({ project_id }) => project_id === project.id)
          const touched = new Set<string>()
          const seen: string[] = []
          let round = 0
          for await (const page of (await list(query)).iterPages()) {
            expect(page.data.length).toBeLessThanOrEqual(limit)
            seen.push(...page.data.map(({ id }) => id))
            const { use, prolong, remove, add: more } = rounds[round++] ?? {}
            world.ahead += 1
            // The cursor itself is as good as any.
            const pick = (n: number) => mine[n % mine.length] ?? before[0]!
            const cursor = mine.find(({ id }) => id === page.data.at(-1)?.id)
            if (use !== undefined) {
              const key = use < 7 && cursor ? cursor : pick(use)
              touched.add(key.id)
              const used = { organization_id, key_id: key.id, owner_id: server().owner_id }
              context.lastUsed.note('api_keys', used, Math.floor(world.now() / 1000))
              await context.lastUsed.flush()
            }
            if (prolong !== undefined && !touched.has(pick(prolong).id)) {
              const { id, project_id } = prolong < 7 && cursor && !touched.has(cursor.id) ? cursor : pick(prolong)
              touched.add(id)
              await projects.apiKeys.update(id, { project_id, expires_in_seconds: 9000 + prolong })
            }
            if (remove !== undefined && !touched.has(pick(remove).id) && pick(remove).project_id === project.id) {
              touched.add(pick(remove).id)
              await projects.apiKeys.delete(pick(remove).id, { project_id: project.id })
            }
            if (more) await add()
          }
          const still = before.map(({ id }) => id).filter((id) => !touched.has(id))
          expect(seen.filter((id) => still.includes(id))).toEqual(still)
        },
      ),
      runs(12),
    )
  })
})
