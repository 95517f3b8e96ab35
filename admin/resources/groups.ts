import { ApiError } from '../../contract/errors.ts'
import { groups as contract } from '../../contract/groups.ts'
import { byNext } from '../../database/pager.ts'
import type { GroupRow } from '../../database/tables.ts'
import { handlers, type Call } from '../call.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { findGroup, groupsTable } from '../shared/find-group.ts'
import { requireGroupGrantable } from '../rules/require-grantable.ts'
import { requireAnOwner } from '../rules/require-an-owner.ts'
import { leaveAll } from '../rules/leave-all.ts'

export default handlers(contract, {
  list: async (call) => byNext(await groupsTable.page(call.db, call.caller, { limit: 100, ...call.query }, present)),

  async create(call) {
    const { name } = call.body
    await requireFreeName(call, name)
    const { organization_id } = call
    const group = { organization_id, id: call.newId('group_'), name, created_at: call.now, deleted_at: null }
    await call.db.insertInto('groups').values(group).execute()
    call.record('group.created', { id: group.id, data: { group_name: name } })
    return present(group)
  },

  retrieve: async (call) => present(await findGroup(call, call.params.group_id)),

  async update(call) {
    const group = await findGroup(call, call.params.group_id)
    const { name } = call.body
    if (name !== group.name) {
      // Signing in at an issuer joins groups by their names.
      await requireGroupGrantable(call, group.id)
      await requireFreeName(call, name)
      await call.db
        .updateTable('groups')
        .set({ name })
        .where('organization_id', '=', call.organization_id)
        .where('id', '=', group.id)
        .execute()
      call.record('group.updated', { id: group.id, changes_requested: { group_name: name } })
    }
    const { id, created_at } = group
    return { id, name, created_at, is_scim_managed: false }
  },

  async delete(call) {
    const { id } = await findGroup(call, call.params.group_id)
    await leaveAll(call, { type: 'group', id })
    await call.db
      .updateTable('groups')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    await requireAnOwner(call)
    call.record('group.deleted', { id })
    return deletedResult('group', id)
  },
})

const present = ({ id, name, created_at }: GroupRow) => ({
  id,
  name,
  created_at,
  is_scim_managed: false,
  group_type: 'group' as const,
})

/** Throws 422 when another group has the name. */
async function requireFreeName({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>, name: string) {
  const [other] = await db
    .selectFrom('groups')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('name', '=', name)
    .where('deleted_at', 'is', null)
    .execute()
  if (other)
    throw new ApiError(422, `A group named '${name}' already exists.`, { param: 'name', code: 'duplicate_name' })
}
