/** An organization always has an owner, and some things belong to owners only. */
import { invalid } from '../../contract/errors.ts'
import { onlyForOwners } from '../../contract/session-errors.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import { readHeldPermissions } from '../../keys/held-permissions.ts'
import type { Call } from '../call.ts'

/**
 * Throws 400, which rolls the change back, if it left the organization without an owner. Changes of
 * one organization wait for each other, so two of them cannot remove the last two owners at the
 * same time.
 */
export async function requireAnOwner({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>) {
  const [owner] = await db
    .selectFrom('users')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null)
    .where(isOrganizationOwner('users.organization_id', 'users.id'))
    .limit(1)
    .execute()
  if (!owner)
    throw invalid('The last owner of the organization can be neither removed nor demoted.', null, 'last_owner')
}

/** Throws 403 unless the caller owns the organization; who makes a call with a key always does. */
export async function requireOwner({ db, caller }: Pick<Call, 'db' | 'caller'>) {
  if (caller.session === null) return
  const { role } = await readHeldPermissions(db, caller)
  if (role !== 'owner') throw onlyForOwners()
}
