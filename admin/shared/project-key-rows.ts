/**
 * Reads project keys with their owners and shows them, for the lists of one project and of all
 * projects.
 */
import type { Expression, SelectQueryBuilder, SqlBool } from 'kysely'
import type { Output } from '../../contract/kit.ts'
import type { projectApiKeys } from '../../contract/project-api-keys.ts'
import type { Tables } from '../../database/tables.ts'
import { accountRole, directRank, groupRank, hasAccess, isDirectMember, roleOf } from '../../keys/access.ts'

type Item = SelectQueryBuilder<Tables & { item: Tables['api_keys'] }, 'item', {}>

/** A filter by whether the owner of a key still has access. */
export type Access = 'active' | 'inactive' | 'any' | 'members'

const owner = { organization: 'item.organization_id', project: 'item.project_id', user: 'item.owner_id' }

/** Joins the owner and the project of each key. */
const joined = (item: Item) =>
  item
    .leftJoin('users as user', (on) =>
      on
        .onRef('user.organization_id', '=', 'item.organization_id')
        .onRef('user.id', '=', 'item.owner_id')
        .on('item.owner_type', '=', 'user'),
    )
    .leftJoin('service_accounts as account', (on) =>
      on
        .onRef('account.organization_id', '=', 'item.organization_id')
        .onRef('account.id', '=', 'item.owner_id')
        .on('item.owner_type', '=', 'service_account'),
    )
    .innerJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'item.organization_id').onRef('project.id', '=', 'item.project_id'),
    )

/** Applies the filter by access. */
export function keysByAccess(item: Item, access: Access) {
  const rows = joined(item)
  if (access === 'any') return rows
  return rows.where((is): Expression<SqlBool> => {
    if (access === 'members') return is.or([is('item.owner_type', '=', 'service_account'), isDirectMember(owner)])
    const active = is.and([
      is('project.archived_at', 'is', null),
      is.or([is(is.fn.coalesce('account.role', is.val('none')), '!=', 'none'), hasAccess(owner)]),
    ])
    return access === 'active' ? active : is.not(active)
  })
}

/** Selects what `presentKey` shows, of keys that were not deleted. */
export const withOwners = (item: Item, access: Access) =>
  keysByAccess(item, access)
    .select(['item.id', 'item.name', 'item.redacted_value', 'item.created_at', 'item.last_used_at', 'item.expires_at'])
    .select(['item.owner_id', 'user.name as user_name', 'user.email', 'user.created_at as user_created_at'])
    .select([
      'account.name as account_name',
      'account.role as account_role',
      'account.created_at as account_created_at',
    ])
    .select([directRank(owner).as('direct_rank'), groupRank(owner).as('group_rank'), 'project.archived_at'])
    .where('item.deleted_at', 'is', null)

type Row = Awaited<ReturnType<ReturnType<typeof withOwners>['execute']>>[number]

export function presentKey(row: Row): Output<typeof projectApiKeys.list>['data'][number] {
  const { id, name, redacted_value, created_at, last_used_at, expires_at, owner_id } = row
  const { account_role, direct_rank, group_rank } = row
  const role =
    account_role === null ? roleOf(direct_rank, group_rank) : accountRole(account_role, direct_rank, group_rank)
  return {
    object: 'organization.project.api_key',
    id,
    name,
    redacted_value,
    created_at,
    last_used_at,
    expires_at,
    owner_project_access: role === 'none' || row.archived_at !== null ? 'inactive' : 'active',
    owner:
      row.account_name === null
        ? {
            type: 'user',
            user: { id: owner_id, name: row.user_name!, email: row.email!, created_at: row.user_created_at!, role },
          }
        : {
            type: 'service_account',
            service_account: { id: owner_id, name: row.account_name, created_at: row.account_created_at!, role },
          },
  }
}
