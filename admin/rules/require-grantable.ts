/** A caller cannot grant what it does not hold. */
import { forbidden } from '../../contract/errors.ts'
import { permissionsOf } from '../../contract/permissions.ts'
import { notPermitted } from '../../contract/session-errors.ts'
import type { ProjectRow } from '../../database/tables.ts'
import { grantedBy, grantedTo, heldRoles, restrict } from '../../keys/read-project-key.ts'
import type { Call, Caller } from '../call.ts'
import type { KnownRole } from '../shared/known-roles.ts'

/**
 * Throws 403 if the role permits what the caller may not do. An admin key may grant all roles of
 * projects: it lacks at most scopes of administration, and a role of a project opens that for
 * people only.
 */
export function requireGrantable(
  { caller }: Pick<Call, 'caller'>,
  { resource, permissions }: Pick<KnownRole, 'resource' | 'permissions'>,
) {
  if (resource.level === 'organization' || caller.session !== null) requirePermissions(caller, permissions)
}

/** The same for a built-in role of a project. */
export const requireProjectRoleGrantable = (call: Pick<Call, 'caller'>, role: string) =>
  requireGrantable(call, { resource: { level: 'project', id: '' }, permissions: permissionsOf('project', role) })

export const mayGrantProjectRole = ({ caller }: Pick<Call, 'caller'>, role: string): boolean =>
  caller.session === null || permissionsOf('project', role).every(caller.may)

/**
 * The same for every role that a group holds: in the organization, and for somebody who is signed
 * in also in projects.
 */
export async function requireGroupGrantable(
  { db, organization_id, caller }: Pick<Call, 'db' | 'organization_id' | 'caller'>,
  group_id: string,
) {
  const held = await heldRoles(db, { organization_id }).where('held.principal_id', '=', group_id).execute()
  for (const role of held) {
    const level = role.resource_id === organization_id ? 'organization' : 'project'
    requireGrantable({ caller }, { resource: { level, id: role.resource_id }, permissions: grantedBy(role, level) })
  }
}

/**
 * Throws 403 if a key of this owner, within these scopes, could do what the caller may not: whoever
 * makes a key sees its value. An admin key may do all that keys of projects can.
 */
export async function requireKeyGrantable(
  { db, organization_id, caller, project }: Pick<Call, 'db' | 'organization_id' | 'caller'> & { project: ProjectRow },
  owner: { id: string; account_role: string | null },
  scopes: readonly string[] = [],
) {
  if (caller.session === null || owner.id === caller.user_id) return
  const { account_role } = owner
  const owned = { organization_id, project_id: project.id, owner_id: owner.id, account_role, may_hold: true }
  const permitted = restrict((await grantedTo(db, owned)) ?? [], scopes)
  requirePermissions(
    caller,
    permitted.filter((permission) => !OF_PEOPLE.test(permission)),
  )
}

/** What a person may do in the administration. No key of a project opens that. */
const OF_PEOPLE = /^api\.(management|usage|groups|organization)\./

/** Throws 403 if the caller may not do all of this. */
export function requirePermissions({ session, may }: Caller, permissions: readonly string[]) {
  const missing = permissions.find((permission) => !may(permission))
  if (missing !== undefined) throw session === null ? forbidden(missing) : notPermitted(missing)
}
