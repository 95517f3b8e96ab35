import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Input, Keyhall } from '../../client/index.ts'
import type { contract } from '../../contract/index.ts'
import { clientOf, failure } from '../client/setup.ts'
import { runs } from '../properties/runs.ts'
import { addPerson, addTenant, onBothEngines, type TestServer } from '../setup.ts'

type Query = Input<typeof contract.admin.organization.apiKeys.list>
type Key = Awaited<ReturnType<Keyhall['admin']['organization']['apiKeys']['list']>>['data'][number]

const orders = ['created_at', 'last_used_at', 'expires_at'] as const
const directions = ['asc', 'desc'] as const

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

  test('every combination of filters, order and page size shows what it should, each key once', async () => {
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

  test('a key that was never used counts as used before all times, one that never expires as expiring after all', async () => {
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

  test('what lives throughout a walk and keeps its place is seen exactly once, whatever happens to the others', async () => {
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

  test('a few among very many are found, in every order', async () => {
    const { context, organization_id, owner_id, engine } = server()
    const { id: project_id } = await client().admin.organization.projects.create({ name: 'Large' })
    const created_at = 1_600_000_000
    await context.database.write(async (sql) => {
      for (let batch = 0; batch < 12; batch++)
        await sql
          .insertInto('api_keys')
          .values(
            Array.from({ length: 500 }, (_, index) => {
              const n = batch * 500 + index
              const id = `key_bulk${String(n).padStart(6, '0')}`
              return {
                organization_id,
                project_id,
                id,
                name: n % 1499 === 7 ? `Needle ${n}` : 'straw',
                digest: new Uint8Array(Buffer.from(`${engine}${id}`.padEnd(32))),
                redacted_value: 'sk-proj-...',
                scopes: '[]',
                owner_type: 'user' as const,
                owner_id,
                created_at: created_at + (n % 100),
                last_used_at: n % 3 === 0 ? null : created_at + 1000 + (n % 7),
                expires_at: n % 2 === 0 ? null : created_at + 5000 + (n % 11),
              }
            }),
          )
          .execute()
    })
    const needles = [7, 1506, 3005, 4504].map((n) => `Needle ${n}`)
    for (const order_by of orders)
      for (const order of directions)
        for (const more of [{}, { project_ids: [project_id] }, { owner_ids: [owner_id, 'nobody'] }]) {
          const found = await walk({ name: 'NEEDLE', order_by, order, limit: 2, ...more })
          expect(found.map((key) => key.name).toSorted()).toEqual(needles.toSorted())
          expect(found).toEqual(found.toSorted(inOrder({ order_by, order })))
        }
    expect(await walk({ name: 'straw', owner_project_access: 'inactive' })).toEqual([])
    expect((await list({ name: 'straw', last_used_before: created_at + 1001, limit: 3 })).data.length).toBe(3)
  })
})

/** Fifty keys of people and service accounts, in projects that people have left and one that was archived; some used, some expired. */
async function issueKeys(server: TestServer) {
  const { world, context, organization_id, owner_id, project_id } = server
  const { projects } = clientOf(server).admin.organization
  const ann = await addPerson(server, { id: 'user-ann', email: 'ann@example.com', project_id })
  const bob = await addPerson(server, { id: 'user-bob', email: 'bob@example.com' })
  const search = await projects.create({ name: 'Search' })
  const old = await projects.create({ name: 'Old' })
  for (const project of [search.id, old.id]) await projects.users.create(project, { user_id: bob, role: 'member' })
  const made: { id: string }[] = []
  for (let n = 0; n < 40; n++) {
    const place = [project_id, search.id, old.id][n % 3]!
    const user_id = n % 4 === 0 ? owner_id : place === project_id ? ann : bob
    const name = n === 11 ? '100_% Sure\\' : n === 12 ? 'Äpfel' : `${n % 2 ? 'Laptop' : 'LAPTOP'} ${n}`
    const expiry = n % 5 < 2 ? { expires_in_seconds: 1000 + (n % 4) * 20_000 } : {}
    made.push(await projects.apiKeys.create(place, { name, user_id, ...expiry }))
    world.ahead += [0, 0, 60, 3600][n % 4]!
  }
  for (const place of [project_id, search.id, old.id])
    for (let n = 0; n < 3; n++) {
      const { api_key } = await projects.serviceAccounts.create(place, { name: `robot ${n}` })
      made.push(api_key!)
      world.ahead += n
    }
  for (const [n, key] of made.entries())
    if (n % 3 !== 1) {
      const used = { organization_id, key_id: key.id, owner_id }
      context.lastUsed.note('api_keys', used, Math.floor(world.now() / 1000) - (n % 8) * 500)
    }
  await context.lastUsed.flush()
  await projects.users.delete(bob, { project_id: search.id })
  await projects.archive(old.id)
  world.ahead += 1000
}

function queries(all: Key[]) {
  const some = (values: string[]) => fc.subarray([...new Set(values), 'nobody'], { minLength: 1, maxLength: 3 })
  const time = (values: (number | null)[]) =>
    fc.constantFrom(...new Set(values.filter((value) => value !== null)), 1, 4_000_000_000)
  const created = time(all.map(({ created_at }) => created_at))
  const used = time(all.map(({ last_used_at }) => last_used_at))
  return fc.record<Query>(
    {
      limit: fc.integer({ min: 1, max: 20 }),
      project_ids: some(all.map(({ project_id }) => project_id)),
      owner_ids: some(all.map(ownerOf)),
      owner_type: fc.constantFrom('user', 'service_account'),
      owner_project_access: fc.constantFrom('active', 'inactive', 'any'),
      never_used: fc.boolean(),
      last_used_before: used,
      last_used_after: used,
      created_before: created,
      created_after: created,
      expires_before: time(all.map(({ expires_at }) => expires_at)),
      name: fc.constantFrom('laptop', 'LAP', '1', 'robot', '_', '%'),
      order_by: fc.constantFrom(...orders),
      order: fc.constantFrom(...directions),
    },
    { requiredKeys: [] },
  )
}

const ownerOf = ({ owner }: Key) => (owner.user ?? owner.service_account)!.id

const usedAt = (key: Key) => key.last_used_at ?? 0
const expiresAt = (key: Key) => key.expires_at ?? Infinity

function agrees(key: Key, query: Query) {
  const { owner_project_access: access = 'any', never_used, owner_type, name = '' } = query
  const { last_used_before, last_used_after, created_before, created_after, expires_before } = query
  return (
    (query.project_ids?.includes(key.project_id) ?? true) &&
    (query.owner_ids?.includes(ownerOf(key)) ?? true) &&
    (owner_type ?? key.owner.type) === key.owner.type &&
    (access === 'any' || access === key.owner_project_access) &&
    (never_used ?? key.last_used_at === null) === (key.last_used_at === null) &&
    (last_used_before === undefined || usedAt(key) < last_used_before) &&
    (last_used_after === undefined || usedAt(key) > last_used_after) &&
    (created_before === undefined || key.created_at < created_before) &&
    (created_after === undefined || key.created_at > created_after) &&
    (expires_before === undefined || expiresAt(key) < expires_before) &&
    key.name.toLowerCase().includes(name.toLowerCase())
  )
}

function inOrder({ order_by, order = 'desc', ...query }: Query) {
  const byUse =
    query.last_used_before !== undefined || query.last_used_after !== undefined || query.never_used === false
  const by = order_by ?? (byUse ? 'last_used_at' : query.expires_before !== undefined ? 'expires_at' : 'created_at')
  const time = { created_at: (key: Key) => key.created_at, last_used_at: usedAt, expires_at: expiresAt }[by]
  const sign = order === 'asc' ? 1 : -1
  return (one: Key, other: Key) => {
    const [first, second] = [time(one), time(other)]
    const ids = one.id < other.id ? -1 : 1
    return sign * ((first === second ? 0 : first - second) || one.created_at - other.created_at || ids)
  }
}
