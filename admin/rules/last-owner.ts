/** An organization always has an owner. */
import { invalid } from '../../contract/errors.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import type { Call } from '../call.ts'

/**
 * Throws 400 if the change left the organization without an owner, and so undoes it. Changes of one organization wait for each other, so
 * that two of them cannot each leave the other's owner.
 */
export async function keepAnOwner({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>) {
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
