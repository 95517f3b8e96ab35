/** The built-in and custom roles of a resource, in one order, and the ids that name them. */
import { invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { builtInRoles, descriptionOf, permissionsOf } from '../../contract/permissions.ts'
import type { roles } from '../../contract/roles.ts'
import { memoryList } from '../../database/memory-list.ts'
import { byNext, readPage, type PageQuery } from '../../database/pager.ts'
import type { RoleRow } from '../../database/tables.ts'
import type { Call } from '../call.ts'

/** Where roles are held: in the organization or in a project. */
export interface Resource {
  level: 'organization' | 'project'
  id: string
}

export interface KnownRole {
  /** The value in `role_assignments.role`: the name of a built-in role, the id of a custom one. */
  key: string
  /** The id that answers show; of a built-in role the long form, which names the resource. */
  id: string
  /** The short id of a built-in role, which requests may use too; null for a custom role. */
  short: string | null
  name: string
  description: string | null
  permissions: string[]
  resource: Resource
  created_at: number | null
  updated_at: number | null
  created_by: string | null
  is_deleted: boolean
}

export const organizationOf = (call: Pick<Call, 'organization_id'>): Resource => ({
  level: 'organization',
  id: call.organization_id,
})

export const projectOf = (call: { project: { id: string } }): Resource => ({ level: 'project', id: call.project.id })

/** The project of the call, or the organization where its path names no project. */
export const resourceOf = (call: { organization_id: string; project: { id: string } | undefined }): Resource =>
  call.project ? { level: 'project', id: call.project.id } : organizationOf(call)

export const resourceType = ({ level }: Resource) => `api.${level}`

const builtIn = (resource: Resource): KnownRole[] =>
  builtInRoles[resource.level].map((name) => {
    const short = `role-api-${resource.level}-${name}`
    return {
      key: name,
      id: `${short}__api-${resource.level}__${resource.id}`,
      short,
      name,
      description: descriptionOf(resource.level, name),
      permissions: permissionsOf(resource.level, name),
      resource,
      created_at: null,
      updated_at: null,
      created_by: null,
      is_deleted: false,
    }
  })

const stored = (call: Pick<Call, 'db' | 'organization_id'>, resource: Resource) =>
  call.db
    .selectFrom('roles')
    .selectAll()
    .where('organization_id', '=', call.organization_id)
    .where('resource_id', '=', resource.id)

const custom = (resource: Resource, { id, permissions, deleted_at, ...row }: RoleRow): KnownRole => ({
  ...row,
  key: id,
  id,
  short: null,
  permissions: JSON.parse(permissions) as string[],
  resource,
  is_deleted: deleted_at !== null,
})

/**
 * All roles of a resource: the built-in ones, then the custom ones, oldest first; also deleted ones
 * that `cursors` name.
 */
export async function rolesOf(
  call: Pick<Call, 'db' | 'organization_id'>,
  resource: Resource,
  cursors: readonly (string | null)[] = [],
): Promise<KnownRole[]> {
  const rows = await stored(call, resource)
    .where((is) => is.or([is('deleted_at', 'is', null), is('id', 'in', cursors.length > 0 ? cursors : [null])]))
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return [...builtIn(resource), ...rows.map((row) => custom(resource, row))]
}

const isNamed = (id: string) => (role: KnownRole) => role.id === id || role.short === id

/**
 * A role of the resource by its id, long or short; with `names` also by the name of a built-in one.
 * Throws 404.
 */
export async function findRole(
  call: Pick<Call, 'db' | 'organization_id'>,
  resource: Resource,
  id: string,
  { param = null, names = false }: { param?: string | null; names?: boolean } = {},
): Promise<KnownRole> {
  const known = builtIn(resource).find((role) => isNamed(id)(role) || (names && role.name === id))
  if (known) return known
  const row = await stored(call, resource).where('id', '=', id).where('deleted_at', 'is', null).executeTakeFirst()
  if (!row) throw notFound('role', id, param)
  return custom(resource, row)
}

/** Throws 400 when another role of the resource has the name. */
export async function requireFreeName(call: Pick<Call, 'db' | 'organization_id'>, resource: Resource, name: string) {
  const other =
    builtIn(resource).some((role) => role.name === name) ||
    (await stored(call, resource).where('name', '=', name).where('deleted_at', 'is', null).executeTakeFirst())
  if (other) throw invalid(`A role named '${name}' already exists.`, 'role_name', 'duplicate_name')
}

/** Throws 400 for a built-in role, which cannot be changed. */
export function requireCustom(role: KnownRole): KnownRole {
  if (role.short !== null)
    throw invalid(`The role ${role.name} is predefined and cannot be changed or deleted.`, 'role_id')
  return role
}

/**
 * A page of those roles of the resource that `present` shows; a cursor is the id of any role that
 * the resource ever had.
 */
export async function pageOfRoles<Presented>(
  call: Pick<Call, 'db' | 'organization_id'> & { query: PageQuery },
  resource: Resource,
  present: (role: KnownRole) => Presented | null,
) {
  const { after = null, before = null } = call.query
  const roles = await rolesOf(call, resource, [after, before])
  const shown = new Map<string, Presented>()
  for (const role of roles) {
    const presented = role.is_deleted ? null : present(role)
    if (presented !== null) shown.set(role.id, presented)
  }
  const list = memoryList({
    rows: roles,
    idOf: ({ id }) => id,
    isNamed: (role, id) => isNamed(id)(role),
    isShown: ({ id }) => shown.has(id),
  })
  return byNext(await readPage(list, call.query, ({ id }) => shown.get(id)!, { limit: 1000, order: 'asc' }))
}

export const presentRole = (role: KnownRole): Output<typeof roles.retrieve> => ({
  object: 'role',
  ...roleMembers(role),
})

/** What is said of a role wherever one is shown. */
export const roleMembers = (role: KnownRole) => ({
  id: role.id,
  name: role.name,
  description: role.description,
  permissions: role.permissions,
  resource_type: resourceType(role.resource),
  predefined_role: role.short !== null,
})
