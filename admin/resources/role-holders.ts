/** Who holds a role directly, in the organization and, alike, in a project. */
import type { Output } from '../../contract/kit.ts'
import { projectRoleHolders, roleHolders } from '../../contract/role-holders.ts'
import { byNext } from '../../database/pager.ts'
import { listOf } from '../../database/table-list.ts'
import { handlers, type Handlers } from '../call.ts'
import { findRole, resourceOf } from '../shared/known-roles.ts'

const template: Handlers<typeof roleHolders> = {
  async list(call) {
    const resource = resourceOf(call)
    const { key } = await findRole(call, resource, call.params.role_id)
    const values = { organization_id: call.organization_id, resource_id: resource.id, role: key }
    return byNext(await table.page(call.db, values, { limit: 100, ...call.query }, present))
  },
}

export default handlers(roleHolders, template)
export const projectRoleHolderHandlers = handlers(
  projectRoleHolders,
  template as unknown as Handlers<typeof projectRoleHolders>,
)

/** The role is no part of the scope, so that a cursor also names somebody who has lost it. */
const table = listOf(
  'role_assignments',
  ['organization_id', 'resource_id'],
  (item, _: undefined, params) =>
    item
      .leftJoin('users as user', (on) =>
        on.onRef('user.organization_id', '=', 'item.organization_id').onRef('user.id', '=', 'item.principal_id'),
      )
      .leftJoin('service_accounts as account', (on) =>
        on.onRef('account.organization_id', '=', 'item.organization_id').onRef('account.id', '=', 'item.principal_id'),
      )
      .leftJoin('groups as group', (on) =>
        on.onRef('group.organization_id', '=', 'item.organization_id').onRef('group.id', '=', 'item.principal_id'),
      )
      .select(['item.principal_id', 'item.created_at', 'user.name as user_name', 'user.email'])
      .select(['account.name as account_name', 'group.name as group_name'])
      .where('item.role', '=', params.role!),
  { id: 'principal_id', isMembership: true, order: 'asc' },
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present = (row: Row): Output<typeof roleHolders.list>['data'][number] => ({
  id: row.principal_id,
  type: row.group_name !== null ? 'group' : row.account_name !== null ? 'service_account' : 'user',
  name: (row.group_name ?? row.account_name ?? row.user_name)!,
  email: row.email,
  added_at: row.created_at,
})
