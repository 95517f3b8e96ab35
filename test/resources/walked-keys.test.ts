/**
 * Walks through the list of all keys while keys of both kinds are used, prolonged, made, deleted.
 */
import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { clientOf } from '../client/setup.ts'
import { newAdminKey, newProject } from '../made.ts'
import { runs } from '../runs.ts'
import { onBothEngines } from '../setup.ts'
import { bothKinds, directions, isCalling, issueKeys, orders, projectOf, type Key, type Query } from './inventory.ts'

const LEAST_KEYS = 9
const LEAST_ADMIN_KEYS = 5

/** What happens between two pages; numbers choose a key, and low ones that of the cursor. */
const happening = fc.record({
  use: fc.nat({ max: 20 }),
  prolong: fc.nat({ max: 20 }),
  remove: fc.nat({ max: 20 }),
  add: fc.constantFrom('project', 'admin', null),
})

onBothEngines('a walk through all keys', (server) => {
  const organization = () => clientOf(server()).admin.organization
  const walk = async (query: Query) =>
    (await Array.fromAsync(await organization().apiKeys.list(query))).filter((key) => !isCalling(key))
  let project_id: string
  beforeAll(async () => {
    await issueKeys(server())
    project_id = (await newProject(server())).id
  })

  const add = (kind: 'project' | 'admin') => {
    const key = { name: 'walked', expires_in_seconds: 5000 }
    if (kind === 'admin') return newAdminKey(server(), key)
    return organization().projects.apiKeys.create(project_id, { ...key, user_id: server().owner_id })
  }

  async function use(key: Key) {
    const { context, world, organization_id, owner_id } = server()
    const table = projectOf(key) === null ? 'admin_api_keys' : 'api_keys'
    context.lastUsed.note(table, { organization_id, key_id: key.id, owner_id }, Math.floor(world.now() / 1000))
    await context.lastUsed.flush()
  }

  const remove = async (key: Key) =>
    projectOf(key) === null
      ? organization().adminAPIKeys.delete(key.id)
      : organization().projects.apiKeys.delete(key.id, { project_id })

  /** Those that were made here, and that may be changed. */
  const isOwn = (key: Key) => projectOf(key) === project_id || (projectOf(key) === null && key.name === 'walked')

  async function fill() {
    const own = (await walk({ ...bothKinds, limit: 100 })).filter(isOwn)
    const admins = own.filter((key) => projectOf(key) === null).length
    const kinds = [
      ...Array<'project'>(Math.max(0, LEAST_KEYS - (own.length - admins))).fill('project'),
      ...Array<'admin'>(Math.max(0, LEAST_ADMIN_KEYS - admins)).fill('admin'),
    ]
    for (const [n, kind] of kinds.entries()) {
      await add(kind)
      server().world.ahead += n % 2
    }
  }

  test('finds a key that stays unchanged exactly once, in each order, of both kinds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...orders),
        fc.constantFrom(...directions),
        fc.integer({ min: 1, max: 4 }),
        // The keys of one project are found by another index than all keys are.
        fc.constantFrom('all', 'project', 'admin', 'both'),
        fc.array(happening, { maxLength: 6 }),
        async (order_by, order, limit, which, happenings) => {
          await fill()
          const some = { all: {}, project: { project_ids: [project_id] }, admin: { kinds: ['admin'] }, both: bothKinds }
          const query = { order_by, order, limit, ...some[which] } as Query
          const before = await walk({ ...query, limit: 100 })
          const touched = new Set<string>()
          let pages = 0
          const seen: string[] = []
          for await (const page of (await organization().apiKeys.list(query)).iterPages()) {
            expect(page.data.length).toBeLessThanOrEqual(limit)
            seen.push(...page.data.map(({ id }) => id))
            server().world.ahead += 1
            const now = happenings[pages++]
            if (now) await happen(now, before.filter(isOwn), page.data.at(-1)?.id, touched)
          }
          const still = before.map(({ id }) => id).filter((id) => !touched.has(id))
          expect(seen.filter((id) => still.includes(id))).toEqual(still)
        },
      ),
      runs(20),
    )
  }, 60_000)

  /** Changes keys of their own, and notes which: a key is changed in one way only. */
  async function happen(
    now: typeof happening extends fc.Arbitrary<infer Happening> ? Happening : never,
    own: readonly Key[],
    cursor: string | undefined,
    touched: Set<string>,
  ) {
    const change = async (among: readonly Key[], n: number, act: (key: Key) => Promise<unknown>) => {
      const key = (n < 7 && among.find(({ id }) => id === cursor)) || among[n % among.length]
      if (!key || touched.has(key.id)) return
      touched.add(key.id)
      await act(key)
    }
    const prolong = ({ id }: Key) =>
      organization().projects.apiKeys.update(id, { project_id, expires_in_seconds: 9000 + now.prolong })
    await change(own, now.use, use)
    // An admin key cannot be prolonged.
    await change(
      own.filter((key) => projectOf(key) !== null),
      now.prolong,
      prolong,
    )
    await change(own, now.remove, remove)
    if (now.add !== null) await add(now.add)
  }
})
