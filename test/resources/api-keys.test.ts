import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { clientOf, failure } from '../client/setup.ts'
import { runs } from '../runs.ts'
import { newAdminKey } from '../made.ts'
import { addTenant, giveAdminKey, onBothEngines, type TestServer } from '../setup.ts'
import {
  agrees,
  bothKinds,
  directions,
  inOrder,
  isCalling,
  issueKeys,
  orders,
  queries,
  type Key,
  type Query,
} from './inventory.ts'

onBothEngines('the keys of all projects', (server) => {
  const client = () => clientOf(server())
  const list = (query: Query = {}) => client().admin.organization.apiKeys.list(query)
  const walk = async (query: Query) => Array.fromAsync(await list(query))
  let all: Key[]
  let both: Key[]
  beforeAll(async () => {
    await issueKeys(server())
    all = await walk({ limit: 100 })
    both = await walk({ limit: 100, ...bothKinds })
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
      fc.asyncProperty(queries(both), async (query) => {
        const expected = both.filter((key) => agrees(key, query) && !isCalling(key)).toSorted(inOrder(query))
        const found = (await walk(query)).filter((key) => !isCalling(key))
        expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      }),
      runs(100),
    )
  })

  test('admin keys are in the same list only where they are asked for, as their own list has them', async () => {
    const { adminAPIKeys } = client().admin.organization
    const own = await Array.fromAsync(adminAPIKeys.list({ order: 'desc' }))
    const listed = await walk({ kinds: ['admin'] })
    const withoutUse = (key: object) => ({ ...key, last_used_at: null })
    expect(listed.map(withoutUse)).toEqual(
      own.map((key, at) => ({ ...withoutUse(key), owner_project_access: listed[at]!.owner_project_access })),
    )
    expect(new Set(listed.map((key) => key.owner_project_access))).toEqual(new Set(['active', 'inactive']))
    expect(both.length).toBe(all.length + own.length)
    expect(await walk({ kinds: ['project'], limit: 100 })).toEqual(all)
    for (const none of [{ project_ids: [server().project_id] }, { owner_type: 'service_account' as const }])
      expect(await walk({ kinds: ['admin'], ...none })).toEqual([])
  })

  test('an admin key whose owner does not own the organization opens nothing and is called inactive', async () => {
    const { owner_id } = server()
    for (const key of await walk({ kinds: ['admin'], owner_project_access: 'inactive' }))
      expect(key.owner).not.toMatchObject({ id: owner_id })
    const { id, value } = await newAdminKey(server())
    const isListed = async () =>
      (await walk({ kinds: ['admin'], owner_project_access: 'active' })).some((key) => key.id === id)
    const opens = async () =>
      (await server().request('GET', '/organization/users', undefined, { authorization: `Bearer ${value}` })).status
    expect([await isListed(), await opens()]).toEqual([true, 200])
    await giveAdminKey(server(), id, 'user-bob')
    expect([await isListed(), await opens()]).toEqual([false, 401])
    await client().admin.organization.adminAPIKeys.delete(id)
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
      for (const order of directions)
        for (const kinds of [['project'], ['admin'], bothKinds.kinds] as Query['kinds'][]) {
          const query = { order_by, order, kinds }
          const everything = await walk({ ...query, limit: 100 })
          const page = await list({ ...query, limit: 4 })
          const rest = everything.slice(4).map(({ id }) => id)
          expect(page.last_id.startsWith(everything[3]!.id)).toBe(true)
          for (const after of [page.last_id, everything[3]!.id])
            expect((await walk({ ...query, after })).map(({ id }) => id)).toEqual(rest)
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
})
