/** Nobody grants what they do not hold. */
import { forbidden } from '../../contract/errors.ts'
import { adminScopes } from '../../contract/permissions.ts'
import type { Call } from '../call.ts'

/** Throws 403 if a role of the organization with these permissions could administer what the caller's key cannot. */
export function mayGrant({ caller }: Pick<Call, 'caller'>, permissions: readonly string[]) {
  const missing = adminScopes.find((scope) => permissions.includes(scope) && !caller.scopes.includes(scope))
  if (missing) throw forbidden(missing)
}
