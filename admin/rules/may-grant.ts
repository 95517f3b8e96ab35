/** Nobody grants what they do not hold. */
import { forbidden } from '../../contract/errors.ts'
import { adminScopes } from '../../contract/permissions.ts'
import type { Call } from '../call.ts'
import { organizationOf, rolesOf, type KnownRole } from './roles.ts'

/** Throws 403 if the role could administer what the caller's key cannot. Roles of a project administer nothing. */
export function mayGrant(
  { caller }: Pick<Call, 'caller'>,
  { resource, permissions }: Pick<KnownRole, 'resource' | 'permissions'>,
) {
  if (resource.level === 'project') return
  const missing = adminScopes.find((scope) => permissions.includes(scope) && !caller.scopes.includes(scope))
  if (missing) throw forbidden(missing)
}

/** The same for all that a group holds in the organization. */
export async function mayGrantAllOf(call: Pick<Call, 'db' | 'organization_id' | 'caller'>, group_id: string) {
  const held = await call.db
    .selectFrom('role_assignments')
    .select('role')
    .where('organization_id', '=', call.organization_id)
    .where('resource_id', '=', call.organization_id)
    .where('principal_id', '=', group_id)
    .execute()
  for (const role of await rolesOf(call, organizationOf(call)))
    if (held.some((one) => one.role === role.key)) mayGrant(call, role)
}
