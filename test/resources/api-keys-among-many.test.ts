/**
 * The list of all keys where they are many: a page looks at a thousand at most, and a walk still
 * misses none.
 */
import { beforeAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { clientOf } from '../client/setup.ts'
import { inProcess } from '../cli/terminal.ts'
import { runs } from '../runs.ts'
import { addPerson, onBothEngines, type TestServer } from '../setup.ts'
import { agrees, bothKinds, inOrder, isCalling, queries, type Key, type Query } from './inventory.ts'

const KEYS = 6_000
const ADMIN_KEYS = 1_500
const MOST_LOOKED_AT = 1_000
const created_at = 1_600_000_000

onBothEngines('the keys of all projects, where they are many', (server) => {
  const list = (query: Query = {}) => clientOf(server()).admin.organization.apiKeys.list(query)
  const walk = async (query: Query) => Array.fromAsync(await list(query))
  const pages = async (query: Query) => Array.fromAsync((await list(query)).iterPages())
  let all: Key[]
  let projects: string[]
  beforeAll(async () => {
    projects = await addManyKeys(server())
    await addManyAdminKeys(server())
    all = (await walk({ limit: 100, ...bothKinds })).filter((key) => !isCalling(key))
    expect(all.length).toBe(KEYS + ADMIN_KEYS)
  })

  test('a walk sees what it should, each key once, whatever is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        queries(all),
        fc.constantFrom('needle', 'NEEDLE 1', ''),
        fc.integer({ min: 40, max: 100 }),
        async (some, name, limit) => {
          const query = { ...some, limit, ...(name && { name }) }
          const expected = all.filter((key) => agrees(key, query)).toSorted(inOrder(query))
          const found = (await walk(query)).filter((key) => !isCalling(key))
          expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
        },
      ),
      runs(60),
    )
  }, 120_000)

  test('a page looks at a thousand keys at most, and says where to go on when it found none', async () => {
    for (const query of [{}, { order_by: 'last_used_at' }, { order: 'asc', order_by: 'expires_at' }] as Query[]) {
      const found = await pages({ ...query, name: 'nowhere', limit: 20 })
      expect(found.length).toBe(KEYS / MOST_LOOKED_AT + 1)
      for (const [n, page] of found.entries()) {
        expect(page.data).toEqual([])
        expect(page.has_more).toBe(n < KEYS / MOST_LOOKED_AT)
        expect(page.last_id === '').toBe(!page.has_more)
      }
    }
    const inOne = await pages({ name: 'nowhere', project_ids: projects.slice(0, 1) })
    expect(inOne.length).toBe(Math.floor((KEYS * 4) / 5 / MOST_LOOKED_AT) + 1)
  })

  test('the command line goes on until it has found some, or there are no more', async () => {
    const socket = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: server().fetch })
    const environment = { OPENAI_ADMIN_KEY: server().admin_key, OPENAI_BASE_URL: `${socket.url}v1` }
    const named = async (flags: string) => (await inProcess(`api-keys list --field name ${flags}`, { environment })).out
    expect(await named('--name 4954 --order asc')).toBe('Needle 4954\n')
    expect(await named('--name 4954')).toBe('Needle 4954\n')
    expect(await named('--name nowhere')).toBe('')
    await socket.stop(true)
  })

  test('a page is full where the filter is one that an index knows', async () => {
    for (const query of [
      {},
      { owner_type: 'user' },
      { never_used: true },
      { never_used: true, created_before: created_at + 50 },
      { last_used_after: created_at },
      { expires_before: created_at + 5_004 },
      { never_expires: true },
      { created_after: created_at + 90 },
      { project_ids: projects },
      { owner_ids: ['user-ann'] },
    ] as Query[]) {
      const found = await pages({ ...query, limit: 100 })
      for (const page of found.slice(0, -1)) expect(page.data.length).toBe(100)
      expect(found.length).toBeGreaterThan(1)
    }
  })

  test('the few keys of an owner or project are sorted by any time, also beside many others', async () => {
    const { user_id, project } = await addFew(server())
    for (const query of [{ owner_ids: [user_id] }, { project_ids: [project] }] as Query[])
      for (const order_by of ['last_used_at', 'expires_at'] as const) {
        const [page, ...others] = await pages({ ...query, order_by, limit: 20 })
        expect(page!.data.length).toBe(3)
        expect(others).toEqual([])
      }
  })
})

/**
 * Keys of two people in two projects, of which one person has access to one only; few of them have
 * a name of their own.
 */
async function addManyKeys(server: TestServer): Promise<string[]> {
  const { database, organization_id, project_id, owner_id, client } = server
  const { id: large } = await client.admin.organization.projects.create({ name: 'Large' })
  const ann = await addPerson(server, { id: 'user-ann', email: 'ann@example.com', project_id })
  await database.write(async (sql) => {
    for (let batch = 0; batch < KEYS; batch += 500)
      await sql
        .insertInto('api_keys')
        .values(
          Array.from({ length: 500 }, (_, index) => {
            const n = batch + index
            const id = `key_bulk${String(n).padStart(6, '0')}`
            return {
              organization_id,
              project_id: n % 5 === 0 ? large : project_id,
              id,
              name: n % 97 === 7 ? `Needle ${n}` : 'straw',
              digest: new Uint8Array(Buffer.from(id.padEnd(32))),
              redacted_value: 'sk-proj-...',
              scopes: '[]',
              owner_type: 'user' as const,
              owner_id: n % 3 === 0 ? ann : owner_id,
              created_at: created_at + (n % 100),
              last_used_at: n % 3 === 0 ? null : created_at + 1000 + (n % 7),
              expires_at: n % 2 === 0 ? null : created_at + 5000 + (n % 11),
            }
          }),
        )
        .execute()
  })
  return [project_id, large]
}

/** Admin keys of two people, of whom one owns the organization, among the others in every order. */
async function addManyAdminKeys({ database, organization_id, owner_id }: TestServer) {
  await database.write(async (sql) => {
    for (let batch = 0; batch < ADMIN_KEYS; batch += 500)
      await sql
        .insertInto('admin_api_keys')
        .values(
          Array.from({ length: 500 }, (_, index) => {
            const n = batch + index
            const id = `key_admin${String(n).padStart(6, '0')}`
            const key = { organization_id, id, redacted_value: 'sk-admin-...', scopes: '[]', is_imported: 0 }
            return {
              ...key,
              name: n % 97 === 7 ? `LAPTOP needle ${n}` : `LAPTOP ${n}`,
              digest: new Uint8Array(Buffer.from(id.padEnd(32))),
              owner_id: n % 3 === 0 ? 'user-ann' : owner_id,
              created_at: created_at + (n % 100),
              last_used_at: n % 3 === 0 ? null : created_at + 1000 + (n % 7),
              expires_at: n % 2 === 0 ? null : created_at + 5000 + (n % 11),
            }
          }),
        )
        .execute()
  })
}

async function addFew(server: TestServer) {
  const { projects } = clientOf(server).admin.organization
  const project = await projects.create({ name: 'Small' })
  const user_id = await addPerson(server, { id: 'user-few', email: 'few@example.com', project_id: project.id })
  for (const name of ['one', 'two', 'three']) await projects.apiKeys.create(project.id, { name, user_id })
  return { user_id, project: project.id }
}
