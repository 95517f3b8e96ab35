/** A caller cannot grant what it does not hold. */
import { forbidden } from '../../contract/errors.ts'
import { notPermitted } from '../../contract/session-errors.ts'
import type { Call, Caller } from '../call.ts'
import { organizationOf, rolesOf, type KnownRole } from '../shared/known-roles.ts'

/**
 * Throws 403 if the role permits what the caller may not do: a scope that an admin key lacks, or
 * anything that a person who is signed in may not do.
 */
export function requireGrantable(
  { caller }: Pick<Call, 'caller'>,
  { resource, permissions }: Pick<KnownRole, 'resource' | 'permissions'>,
) {
  requirePermissions(caller, resource.level === 'project' && caller.session === null ? [] : permissions)
}

/** Throws 403 if the caller may not do all of this. */
export function requirePermissions({ session, may }: Caller, permissions: readonly string[]) {
  const missing = permissions.find((permission) => !may(permission))
  if (missing !== undefined) throw session === null ? forbidden(missing) : notPermitted(missing)
}

/** The same for every role that a group holds in the organization. */
export async function requireGroupGrantable(call: Pick<Call, 'db' | 'organization_id' | 'caller'>, group_id: string) {
  const held = await call.db
    .selectFrom('role_assignments')
    .select('role')
    .where('organization_id', '=', call.organization_id)
    .where('resource_id', '=', call.organization_id)
    .where('principal_id', '=', group_id)
    .execute()
  for (const role of await rolesOf(call, organizationOf(call)))
    if (held.some((one) => one.role === role.key)) requireGrantable(call, role)
}
