/**
 * The list of all keys as it should be: the keys to list, any question about them, and what the
 * answer must have.
 */
import * as fc from 'fast-check'
import type { Input, Keyhall } from '../../client/index.ts'
import type { contract } from '../../contract/index.ts'
import { clientOf } from '../client/setup.ts'
import { newAdminKey } from '../made.ts'
import { addPerson, giveAdminKey, type TestServer } from '../setup.ts'

export type Query = Input<typeof contract.admin.organization.apiKeys.list>
export type Key = Awaited<ReturnType<Keyhall['admin']['organization']['apiKeys']['list']>>['data'][number]

/** The project of a key; null for an admin key. */
export const projectOf = (key: Key) => (key.object === 'organization.project.api_key' ? key.project_id : null)

/** Whether a key is the one that makes the calls of the tests: each call changes its last use. */
export const isCalling = ({ object, name }: Key) =>
  object === 'organization.admin_api_key' && !/^(Terraform|LAPTOP|walked)/.test(name!)

/** For one list of all keys. */
export const bothKinds = { kinds: ['project', 'admin'] } satisfies Query

export const orders = ['created_at', 'last_used_at', 'expires_at'] as const
export const directions = ['asc', 'desc'] as const

/**
 * Fifty keys of people and service accounts, in projects that people have left and one that was
 * archived, and among them admin keys, some of somebody who owns the organization no more; some of
 * all were used, some have expired.
 */
export async function issueKeys(server: TestServer) {
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
  const admins = await issueAdminKeys(server, ann)
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
  for (const [n, id] of admins.entries())
    if (n % 2 === 0) {
      const used = { organization_id, key_id: id, owner_id }
      context.lastUsed.note('admin_api_keys', used, Math.floor(world.now() / 1000) - (n % 8) * 500)
    }
  await context.lastUsed.flush()
  await projects.users.delete(bob, { project_id: search.id })
  await projects.archive(old.id)
  world.ahead += 1000
  // From now on the key that makes the calls is always the one that was used last.
  await clientOf(server).admin.organization.apiKeys.list()
  await context.lastUsed.flush()
}

/** A dozen admin keys, every third of a person who does not own the organization. */
async function issueAdminKeys(server: TestServer, reader_id: string): Promise<string[]> {
  const made: string[] = []
  for (let n = 0; n < 12; n++) {
    const expiry = n % 4 === 0 ? { expires_in_seconds: 1000 + n * 10_000 } : {}
    const { id } = await newAdminKey(server, { name: `${n % 2 ? 'Terraform' : 'LAPTOP'} ${n}`, ...expiry })
    if (n % 3 === 0) await giveAdminKey(server, id, reader_id)
    made.push(id)
    server.world.ahead += n % 3
  }
  return made
}

/** With more filters together, hardly any key would be found. */
const MOST_FILTERS = 3

/** Some filters, an order and a page size, by values that these keys have. */
export function queries(all: Key[]) {
  const some = (values: string[]) => fc.subarray([...new Set(values), 'nobody'], { minLength: 1, maxLength: 3 })
  const time = (values: (number | null)[]) =>
    fc.constantFrom(...new Set(values.filter((value) => value !== null)), 1, 4_000_000_000)
  const created = time(all.map(({ created_at }) => created_at))
  const used = time(all.map(({ last_used_at }) => last_used_at))
  const filters = {
    project_ids: some(all.flatMap((key) => projectOf(key) ?? [])),
    owner_ids: some(all.map(ownerOf)),
    owner_type: fc.constantFrom('user', 'service_account'),
    owner_project_access: fc.constantFrom('active', 'inactive', 'any'),
    never_used: fc.boolean(),
    last_used_before: used,
    last_used_after: used,
    created_before: created,
    created_after: created,
    expires_before: time(all.map(({ expires_at }) => expires_at)),
    never_expires: fc.boolean(),
    name: fc.constantFrom('laptop', 'LAP', '1', 'robot', '_', '%'),
  }
  const others = {
    limit: fc.integer({ min: 1, max: 20 }),
    kinds: fc.constantFrom<Query['kinds']>(['project'], ['admin'], ['admin', 'project']),
    order_by: fc.constantFrom(...orders),
    order: fc.constantFrom(...directions),
  }
  const names = fc.subarray(Object.keys(filters) as (keyof typeof filters)[], { maxLength: MOST_FILTERS })
  return fc
    .tuple(
      names.chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, filters[name]])))),
      fc.record(others, { requiredKeys: [] }),
    )
    .map((parts): Query => Object.assign({}, ...parts))
}

const ownerOf = ({ owner }: Key) => ('id' in owner ? owner : (owner.user ?? owner.service_account)!).id

const usedAt = (key: Key) => key.last_used_at ?? 0
const expiresAt = (key: Key) => key.expires_at ?? Infinity

/** Whether a list of these filters has the key. */
export function agrees(key: Key, query: Query) {
  const { kinds = ['project'], owner_project_access: access = 'any', never_used, owner_type, name = '' } = query
  const { last_used_before, last_used_after, created_before, created_after, expires_before, never_expires } = query
  return (
    kinds.includes(projectOf(key) === null ? 'admin' : 'project') &&
    (query.project_ids?.includes(projectOf(key) ?? '') ?? true) &&
    (query.owner_ids?.includes(ownerOf(key)) ?? true) &&
    (owner_type ?? key.owner.type) === key.owner.type &&
    (access === 'any' || access === key.owner_project_access) &&
    (never_used ?? key.last_used_at === null) === (key.last_used_at === null) &&
    (last_used_before === undefined || usedAt(key) < last_used_before) &&
    (last_used_after === undefined || usedAt(key) > last_used_after) &&
    (created_before === undefined || key.created_at < created_before) &&
    (created_after === undefined || key.created_at > created_after) &&
    (expires_before === undefined || expiresAt(key) < expires_before) &&
    (never_expires ?? key.expires_at === null) === (key.expires_at === null) &&
    key.name!.toLowerCase().includes(name.toLowerCase())
  )
}

/** How the list sorts. */
export function inOrder({ order_by, order = 'desc', ...query }: Query) {
  const byUse =
    query.last_used_before !== undefined || query.last_used_after !== undefined || query.never_used !== undefined
  const byExpiry = query.expires_before !== undefined || query.never_expires !== undefined
  const by = order_by ?? (byUse ? 'last_used_at' : byExpiry ? 'expires_at' : 'created_at')
  const time = { created_at: (key: Key) => key.created_at, last_used_at: usedAt, expires_at: expiresAt }[by]
  const sign = order === 'asc' ? 1 : -1
  return (one: Key, other: Key) => {
    const [first, second] = [time(one), time(other)]
    const ids = one.id < other.id ? -1 : 1
    return sign * ((first === second ? 0 : first - second) || one.created_at - other.created_at || ids)
  }
}
