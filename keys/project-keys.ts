/** A project key as storage knows it: whose it is, where it belongs, and all that it may do. */
import { permissionsOf } from '../contract/permissions.ts'
import type { Sql } from '../database/open.ts'
import { spread, spreadPlaceholders, statement } from '../database/statement.ts'
import { mayHold } from './access.ts'
import { nameOf, sameBytes } from './digest.ts'
import { together } from './together.ts'
import { seconds, type World } from './world.ts'

export interface ProjectKey {
  organization_id: string
  project_id: string
  key_id: string
  owner_type: 'user' | 'service_account'
  owner_id: string
  /** What the owner may do in the project and the key is not restricted from; empty when the owner has lost the project. */
  permissions: ReadonlySet<string>
  /** The same with spaces between, for those who ask. */
  scopes: string
  /** The project is active and the owner has a role for it. */
  has_access: boolean
  expires_at: number | null
}

/**
 * Reads the living key with a digest; undefined for one that is unknown, deleted or expired. Keys that are asked for while others are
 * read are read together, so that however many guess, storage has few questions to answer at a time.
 */
export function projectKeyReader(sql: Sql, world: World): (digest: Buffer) => Promise<ProjectKey | undefined> {
  const find = together(async (digests: Buffer[]) => {
    const size = SIZES.find((size) => size >= digests.length)!
    const padded = Array.from({ length: size }, (_, n) => digests[n] ?? digests[0]!)
    const rows = await keysByDigest(sql, spread('digest', padded), `${size}`)
    const found = new Map(rows.map((row) => [nameOf(row.digest), row]))
    return digests.map((digest) => found.get(nameOf(digest)))
  }, SIZES.at(-1)!)
  const share = sharing()

  return async (digest) => {
    const row = await find(digest)
    if (!row || !sameBytes(row.digest, digest) || row.deleted_at !== null) return undefined
    if (row.expires_at !== null && row.expires_at <= seconds(world)) return undefined
    const { organization_id, project_id, id, owner_type, owner_id, expires_at } = row
    const granted = row.archived_at === null ? await grantedTo(sql, row) : null
    return {
      organization_id,
      project_id,
      key_id: id,
      owner_type,
      owner_id,
      ...share(restrict(granted ?? [], JSON.parse(row.scopes) as string[])),
      has_access: granted !== null,
      expires_at,
    }
  }
}

/** How many digests one statement looks for: a few numbers, so that few statements are compiled. */
const SIZES = [1, 16, 128]
const MOST_SHARED = 1_000

/** Keys that may do the same share the set of it, which is larger than all else about them. */
function sharing() {
  const known = new Map<string, Pick<ProjectKey, 'permissions' | 'scopes'>>()
  return (permissions: readonly string[]) => {
    const scopes = permissions.join(' ')
    let one = known.get(scopes)
    if (!one) {
      if (known.size >= MOST_SHARED) known.clear()
      known.set(scopes, (one = { permissions: new Set(permissions), scopes }))
    }
    return one
  }
}

/** `[]` restricts nothing, `api.all.read` to reading, anything else to itself. */
function restrict(granted: readonly string[], scopes: readonly string[]): string[] {
  if (scopes.length === 0) return [...new Set(granted)]
  const readAll = scopes.includes('api.all.read')
  return [...new Set(granted)].filter(
    (permission) => scopes.includes(permission) || (readAll && permission.endsWith('.read')),
  )
}

interface Owned {
  organization_id: string
  project_id: string
  owner_id: string
  /** The role that stands with a service account itself; null for a person. */
  account_role: string | null
  /** False for those accounts, by far the most, that hold nothing else; asked with the key, because it spares a query. */
  may_hold: unknown
}

/** What the owner may do in the project: the union of all roles held; null without access to it. */
async function grantedTo(sql: Sql, owned: Owned): Promise<string[] | null> {
  const { organization_id, project_id, owner_id, account_role, may_hold } = owned
  const held = may_hold ? await heldBy(sql, { organization_id, project_id, owner_id }) : []
  if (account_role === 'owner' || account_role === 'member')
    held.push({ resource_id: project_id, role: account_role, permissions: null })
  const inOrganization = ({ resource_id }: { resource_id: string }) => resource_id === organization_id
  if (!held.some((one) => !inOrganization(one) || one.role === 'owner')) return null
  return held.flatMap((one) =>
    one.permissions === null
      ? permissionsOf(inOrganization(one) ? 'organization' : 'project', one.role)
      : (JSON.parse(one.permissions) as string[]),
  )
}

const keysByDigest = statement((sql: Sql, $: Record<string, Uint8Array>, size: string) =>
  sql
    .selectFrom('api_keys as key')
    .innerJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'key.organization_id').onRef('project.id', '=', 'key.project_id'),
    )
    .leftJoin('service_accounts as account', (on) =>
      on.onRef('account.organization_id', '=', 'key.organization_id').onRef('account.id', '=', 'key.owner_id'),
    )
    .select(['key.organization_id', 'key.project_id', 'key.id', 'key.digest', 'key.scopes'])
    .select(['key.owner_type', 'key.owner_id', 'key.expires_at', 'key.deleted_at'])
    .select(['project.archived_at', 'account.role as account_role'])
    .select((is) =>
      is.or([is('key.owner_type', '=', 'user'), mayHold('key.organization_id', 'key.owner_id')]).as('may_hold'),
    )
    .where('key.digest', 'in', spreadPlaceholders($, 'digest', Number(size))),
)

/** The roles that somebody holds for a project by assignments, directly and through groups, in it and in the organization. */
const heldBy = statement((sql: Sql, $: { organization_id: string; project_id: string; owner_id: string }) => {
  const held = sql
    .selectFrom('role_assignments as held')
    .leftJoin('roles as role', (on) =>
      on.onRef('role.organization_id', '=', 'held.organization_id').onRef('role.id', '=', 'held.role'),
    )
    .select(['held.resource_id', 'held.role', 'role.permissions'])
    .where('held.organization_id', '=', $.organization_id)
    .where((is) => is.or([is('held.resource_id', '=', $.organization_id), is('held.resource_id', '=', $.project_id)]))
  // Not joined: SQLite would begin with all roles of the organization.
  const groups = sql
    .selectFrom('group_users')
    .select('group_id')
    .where('organization_id', '=', $.organization_id)
    .where('user_id', '=', $.owner_id)
  const direct = held.where('held.principal_id', '=', $.owner_id)
  return direct.unionAll(held.where('held.principal_id', 'in', groups))
})
