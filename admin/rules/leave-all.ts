/** Ends the roles and memberships of a person, a service account or a group that is deleted. */
import type { Call } from '../call.ts'
import { leave, type Principal } from './assign.ts'

/**
 * Ends every role and every group membership of a principal. Cursors that name them still work.
 */
export async function leaveAll(call: Pick<Call, 'db' | 'organization_id' | 'now' | 'caller'>, principal: Principal) {
  const { db, organization_id } = call
  const roles = await db
    .deleteFrom('role_assignments')
    .where('organization_id', '=', organization_id)
    .where('principal_id', '=', principal.id)
    .returning(['resource_id', 'created_at'])
    .execute()
  for (const { resource_id, created_at } of roles) await leave(call, resource_id, principal.id, created_at)

  const memberships = await db
    .deleteFrom('group_users')
    .where('organization_id', '=', organization_id)
    .where(principal.type === 'user' ? 'user_id' : 'group_id', '=', principal.id)
    .returning(['group_id', 'user_id', 'created_at'])
    .execute()
  for (const { group_id, user_id, created_at } of memberships) await leave(call, group_id, user_id, created_at)
}
