/** The roles of a resource, built-in and custom, in one order; and how a role is named. */
import { invalid, notFound, unknownCursor } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { builtInRoles, permissionsOf } from '../../contract/permissions.ts'
import type { roles } from '../../contract/roles.ts'
import type { PageQuery } from '../../database/page.ts'
import type { Call } from '../call.ts'

/** Where roles are held: in the organization or in a project. */
export interface Resource {
  level: 'organization' | 'project'
  id: string
}

export interface KnownRole {
  /** As assignments store it: the name of a built-in role, the id of a custom one. */
  key: string
  /** As the API shows it; for built-in roles the long form, which names the resource. */
  id: string
  /** The short form of a built-in role, which is accepted everywhere. */
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

/** What a resource without a project in its path stands for. */
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
      description: null,
      permissions: permissionsOf(resource.level, name),
      resource,
      created_at: null,
      updated_at: null,
      created_by: null,
      is_deleted: false,
    }
  })

/** All roles of a resource: the built-in ones, then the custom ones in the order of their making, deleted ones too, for cursors. */
export async function rolesOf(call: Pick<Call, 'db' | 'organization_id'>, resource: Resource): Promise<KnownRole[]> {
  const rows = await call.db
    .selectFrom('roles')
    .selectAll()
    .where('organization_id', '=', call.organization_id)
    .where('resource_id', '=', resource.id)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return [
    ...builtIn(resource),
    ...rows.map(({ id, permissions, deleted_at, ...row }) => ({
      ...row,
      key: id,
      id,
      short: null,
      permissions: JSON.parse(permissions) as string[],
      resource,
      is_deleted: deleted_at !== null,
    })),
  ]
}

const isNamed = (id: string) => (role: KnownRole) => role.id === id || role.short === id

/** A role of the resource by its id, long or short; with `names` also by the name of a built-in one. Throws 404. */
export async function findRole(
  call: Pick<Call, 'db' | 'organization_id'>,
  resource: Resource,
  id: string,
  { param = null, names = false }: { param?: string | null; names?: boolean } = {},
): Promise<KnownRole> {
  const found = (await rolesOf(call, resource)).find(
    (role) => !role.is_deleted && (isNamed(id)(role) || (names && role.short !== null && role.name === id)),
  )
  if (!found) throw notFound('role', id, param)
  return found
}

/** The role, unless it is built in: those cannot be changed. */
export function customOnly(role: KnownRole): KnownRole {
  if (role.short !== null)
    throw invalid(`The role ${role.name} is predefined and cannot be changed or deleted.`, 'role_id')
  return role
}

/** A page of those roles of the resource that `held` says; a cursor is the id of any role that the resource ever had. */
export async function pageOfRoles<Presented>(
  call: Pick<Call, 'db' | 'organization_id'> & { query: PageQuery },
  resource: Resource,
  present: (role: KnownRole) => Presented | null,
) {
  const { after, limit = 1000, order = 'asc' } = call.query
  const all = await rolesOf(call, resource)
  if (order === 'desc') all.reverse()
  const start = after ? all.findIndex(isNamed(after)) + 1 : 0
  if (after && start === 0) throw unknownCursor(after)
  const found = all.slice(start).flatMap((role) => {
    const presented = role.is_deleted ? null : present(role)
    return presented === null ? [] : [{ id: role.id, presented }]
  })
  const has_more = limit > 0 && found.length > limit
  const page = found.slice(0, limit)
  return {
    object: 'list' as const,
    data: page.map(({ presented }) => presented),
    has_more,
    next: has_more ? page.at(-1)!.id : null,
  }
}

export const presentRole = (role: KnownRole): Output<typeof roles.retrieve> => ({
  object: 'role',
  id: role.id,
  name: role.name,
  description: role.description,
  permissions: role.permissions,
  resource_type: resourceType(role.resource),
  predefined_role: role.short !== null,
})
