import { conflict, notFound } from '../../contract/errors.ts'
import { groupUsers } from '../../contract/group-users.ts'
import { byNext } from '../../database/pager.ts'
import { listOf } from '../../database/table-list.ts'
import { handlers, type Call } from '../call.ts'
import { leave } from '../rules/assign.ts'
import { findGroup } from '../shared/find-group.ts'
import { requireAnOwner } from '../rules/require-an-owner.ts'
import { requireGroupGrantable } from '../rules/require-grantable.ts'
import { findUser } from '../shared/find-user.ts'

export default handlers(groupUsers, {
  async list(call) {
    await findGroup(call, call.params.group_id)
    return byNext(await table.page(call.db, within(call), { limit: 100, ...call.query }, present))
  },

  async create(call) {
    const group = await findGroup(call, call.params.group_id)
    const { user_id } = call.body
    await findUser(call, user_id, { param: 'user_id' })
    if (await table.find(call.db, within(call), user_id))
      throw conflict(`User ${user_id} is already a member of group ${group.id}.`, 'user_id')
    await requireGroupGrantable(call, group.id)
    await call.db
      .insertInto('group_users')
      .values({ ...within(call), user_id, created_at: call.now })
      .execute()
    call.record('tenant.group.member.added', { id: group.id, user_id })
    return { object: 'group.user' as const, user_id, group_id: group.id }
  },

  async retrieve(call) {
    await findGroup(call, call.params.group_id)
    const member = await findGroupUser(call)
    const is_service_account = member.account_id !== null
    return { ...present(member), picture: null, is_service_account, user_type: 'user' as const }
  },

  async delete(call) {
    const group = await findGroup(call, call.params.group_id)
    const { user_id: id, created_at } = await findGroupUser(call)
    await call.db
      .deleteFrom('group_users')
      .where('organization_id', '=', call.organization_id)
      .where('group_id', '=', group.id)
      .where('user_id', '=', id)
      .execute()
    await leave(call, group.id, id, created_at)
    await requireAnOwner(call)
    call.record('tenant.group.member.removed', { id: group.id, user_id: id })
    return { object: 'group.user.deleted' as const, deleted: true as const }
  },
})

const table = listOf(
  'group_users',
  ['organization_id', 'group_id'],
  (item) =>
    item
      .leftJoin('users as user', (on) =>
        on.onRef('user.organization_id', '=', 'item.organization_id').onRef('user.id', '=', 'item.user_id'),
      )
      .leftJoin('service_accounts as account', (on) =>
        on.onRef('account.organization_id', '=', 'item.organization_id').onRef('account.id', '=', 'item.user_id'),
      )
      .select(['item.user_id', 'item.created_at', 'user.name', 'user.email'])
      .select(['account.id as account_id', 'account.name as account_name'])
      // The version before this one deletes accounts without their memberships, and may run beside
      // this one for a while.
      .where('account.deleted_at', 'is', null),
  { id: 'user_id', isMembership: true },
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present = ({ user_id, name, account_name, email }: Row) => ({ id: user_id, name: (name ?? account_name)!, email })

const within = ({ organization_id, params }: Pick<Call<typeof groupUsers.list>, 'organization_id' | 'params'>) => ({
  organization_id,
  group_id: params.group_id,
})

export async function findGroupUser(call: Call<typeof groupUsers.retrieve>) {
  const { user_id, group_id } = call.params
  const member = await table.find(call.db, within(call), user_id)
  if (!member) throw notFound('user', `${user_id} of group ${group_id}`)
  return member
}
