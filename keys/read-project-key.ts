/** Reads a project key from storage: its owner, its project, and all that it may do. */
import { permissionsOf } from '../contract/permissions.ts'
import type { Sql } from '../database/types.ts'
import { spread, spreadPlaceholders, statement } from '../database/statement.ts'
import { mayHold } from './access.ts'
import { limitsOf, type ProjectLimits } from './project-limits.ts'
import { asLatin1, sameBytes, searchOrder } from './digest.ts'
import { batchReads } from '../database/batch-reads.ts'
import { hasMac } from './key-mac.ts'
import type { KeyRing } from './ring.ts'
import { seconds, type World } from '../world/world.ts'

export interface ProjectKey {
  organization_id: string
  project_id: string
  key_id: string
  owner_type: 'user' | 'service_account'
  owner_id: string
  /** The federation rule by which a workload got this access token; a key has none. */
  rule_id?: string
  /**
   * What the key may do: what its owner may do in the project, within the scopes of the key. Empty
   * when the owner has no access to the project any more.
   */
  permissions: ReadonlySet<string>
  /** The permissions separated by spaces, for the header of `/verify`. */
  scopes: string
  /** The project is active and the owner has a role for it. */
  has_access: boolean
  expires_at: number | null
  /** What the project may use and spend. */
  limits: ProjectLimits
}

/**
 * Reads the living key that has one of these digests, of which there is one for each accepted
 * pepper; undefined for one that is unknown, deleted, expired or forged. Keys that are asked for
 * while others are read are read together, so that many guesses at a time cause few queries.
 */
export function projectKeyReader(
  sql: Sql,
  keys: Pick<KeyRing, 'peppers' | 'redigests' | 'isRevoked' | 'reportForged'>,
  world: World,
): (digests: readonly Buffer[]) => Promise<ProjectKey | undefined> {
  const find = batchReads(async (digests: Buffer[]) => {
    const size = SIZES.find((size) => size >= digests.length)!
    const padded = Array.from({ length: size }, (_, n) => digests[n] ?? digests[0]!)
    const rows = await keysByDigest(sql, spread('digest', padded), { size })
    const found = new Map(rows.map((row) => [asLatin1(row.digest), row]))
    return digests.map((digest) => found.get(asLatin1(digest)))
  }, SIZES.at(-1)!)
  const share = sharing()

  async function findLiving(digests: readonly Buffer[]) {
    for (const n of searchOrder(digests.length)) {
      const digest = digests[n]!
      const row = await find(digest)
      if (!row || !sameBytes(row.digest, digest) || row.deleted_at !== null) continue
      // A key of an archived project opens nothing, forged or not.
      const isForged = !hasMac([keys.peppers[n]!], 'api_keys', row) || keys.isRevoked(row.id, row.version)
      if (row.archived_at === null && isForged) {
        keys.reportForged(row.id)
        return undefined
      }
      if (n > 0) keys.redigests.add({ table: 'api_keys', ...row, digest: digests[0]! })
      return row
    }
    return undefined
  }

  return async (digests) => {
    const row = await findLiving(digests)
    if (!row) return undefined
    if (row.expires_at !== null && row.expires_at <= seconds(world)) return undefined
    const { organization_id, project_id, id, owner_type, owner_id, expires_at } = row
    const [granted, limits] = await Promise.all([
      row.archived_at === null ? grantedTo(sql, row) : null,
      limitsOf(sql, keys, organization_id, project_id),
    ])
    return {
      organization_id,
      project_id,
      key_id: id,
      owner_type,
      owner_id,
      ...share(restrict(granted ?? [], JSON.parse(row.scopes) as string[])),
      has_access: granted !== null,
      expires_at,
      limits,
    }
  }
}

/**
 * How many digests one statement looks for. There are few sizes, so that few statements are
 * compiled.
 */
const SIZES = [1, 16, 128]
const MOST_SHARED = 1_000

/**
 * Keys with the same permissions share one set of them, because the set is larger than the rest of
 * a key in memory.
 */
export function sharing() {
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

/**
 * What is left of the permissions under the scopes of a key: `[]` restricts nothing, `api.all.read`
 * restricts to reading, other scopes to themselves.
 */
export function restrict(granted: readonly string[], scopes: readonly string[]): string[] {
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
  /** The role in the row of a service account; null for a person. */
  account_role: string | null
  /**
   * False for the many accounts that hold no other role. It is read with the key, because that
   * saves a query.
   */
  may_hold: unknown
}

/** What the owner may do in the project: the union of all roles held; null without access to it. */
export async function grantedTo(sql: Sql, owned: Owned): Promise<string[] | null> {
  const { organization_id, project_id, owner_id, account_role, may_hold } = owned
  const held = may_hold ? await heldBy(sql, { organization_id, project_id, owner_id }) : []
  if (account_role === 'owner' || account_role === 'member')
    held.push({ resource_id: project_id, role: account_role, permissions: null })
  const inOrganization = ({ resource_id }: { resource_id: string }) => resource_id === organization_id
  if (!held.some((one) => !inOrganization(one) || one.role === 'owner')) return null
  return held.flatMap((one) => grantedBy(one, inOrganization(one) ? 'organization' : 'project'))
}

/** A role that somebody holds; the permissions are JSON, and null for a built-in role. */
interface HeldRole {
  resource_id: string
  role: string
  permissions: string | null
}

/** What one held role permits. */
export const grantedBy = ({ role, permissions }: HeldRole, level: 'organization' | 'project'): string[] =>
  permissions === null ? permissionsOf(level, role) : (JSON.parse(permissions) as string[])

const keysByDigest = statement((sql: Sql, params: Record<string, Uint8Array>, { size }: { size: number }) =>
  sql
    .selectFrom('api_keys as key')
    .innerJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'key.organization_id').onRef('project.id', '=', 'key.project_id'),
    )
    .leftJoin('service_accounts as account', (on) =>
      on.onRef('account.organization_id', '=', 'key.organization_id').onRef('account.id', '=', 'key.owner_id'),
    )
    .select(['key.organization_id', 'key.project_id', 'key.id', 'key.digest', 'key.mac', 'key.version'])
    .select(['key.scopes', 'key.owner_type', 'key.owner_id', 'key.expires_at', 'key.deleted_at'])
    .select(['project.archived_at', 'account.role as account_role'])
    .select((is) =>
      is.or([is('key.owner_type', '=', 'user'), mayHold('key.organization_id', 'key.owner_id')]).as('may_hold'),
    )
    .where('key.digest', 'in', spreadPlaceholders(params, 'digest', size)),
)

/**
 * The roles that somebody holds for a project by assignments, directly and through groups, in it
 * and in the organization.
 */
export const heldBy = statement((sql: Sql, params: { organization_id: string; project_id: string; owner_id: string }) =>
  heldIn(
    sql,
    params,
    heldRoles(sql, params).where((is) =>
      is.or([is('held.resource_id', '=', params.organization_id), is('held.resource_id', '=', params.project_id)]),
    ),
  ),
)

/** All roles that somebody holds, directly and through groups, wherever. */
export const allHeldBy = statement((sql: Sql, params: { organization_id: string; owner_id: string }) =>
  heldIn(sql, params, heldRoles(sql, params)),
)

/** A query of role assignments, called `held`. */
interface HeldQuery<Self> {
  where: (column: 'held.principal_id', operator: '=' | 'in', value: any) => Self
  unionAll: (other: Self) => Self
}

/**
 * Of the assignments that the query finds, those that somebody holds, directly and through groups.
 */
export function heldIn<Held extends HeldQuery<Held>>(
  sql: Sql,
  params: { organization_id: string; owner_id: string },
  held: Held,
): Held {
  // Not joined: SQLite would begin with all roles of the organization.
  const groups = sql
    .selectFrom('group_users')
    .select('group_id')
    .where('organization_id', '=', params.organization_id)
    .where('user_id', '=', params.owner_id)
  const direct = held.where('held.principal_id', '=', params.owner_id)
  return direct.unionAll(held.where('held.principal_id', 'in', groups))
}

/** The roles that anybody in the organization holds by assignments, called `held`. */
export const heldRoles = (sql: Sql, params: { organization_id: string }) =>
  sql
    .selectFrom('role_assignments as held')
    .leftJoin('roles as role', (on) =>
      on.onRef('role.organization_id', '=', 'held.organization_id').onRef('role.id', '=', 'held.role'),
    )
    .select(['held.resource_id', 'held.role', 'role.permissions'])
    .where('held.organization_id', '=', params.organization_id)
