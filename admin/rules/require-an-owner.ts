/** An organization always has an owner. */
import { invalid } from '../../contract/errors.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
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
