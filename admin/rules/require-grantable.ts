/** A caller cannot grant a scope that the calling key does not hold. */
import { forbidden } from '../../contract/errors.ts'
import { adminScopes } from '../../contract/scopes.ts'
import type { Call } from '../call.ts'
import { organizationOf, rolesOf, type KnownRole } from '../shared/known-roles.ts'

/**
 * Throws 403 if the role has a scope of administration that the caller's key lacks. Roles of a
 * project have none.
 */
export function requireGrantable(
  { caller }: Pick<Call, 'caller'>,
  { resource, permissions }: Pick<KnownRole, 'resource' | 'permissions'>,
) {
  if (resource.level === 'project') return
  const missing = adminScopes.find((scope) => permissions.includes(scope) && !caller.scopes.includes(scope))
  if (missing) throw forbidden(missing)
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
