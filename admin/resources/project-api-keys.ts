import { invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectApiKeys } from '../../contract/project-api-keys.ts'
import { collection } from '../../database/page.ts'
import { directRank, groupRank, hasAccess, isDirectMember, roleOf } from '../../keys/access.ts'
import { handlers, type Call } from '../call.ts'
import { notArchived } from '../rules/archived.ts'
import { gone } from '../rules/gone.ts'
import { issueKey } from '../rules/issue-key.ts'

export default handlers(projectApiKeys, {
  list: async (call) =>
    keys.page(call.db, within(call), call.query, present, call.query.owner_project_access ?? 'members'),

  async create(call) {
    notArchived(call.project)
    const { user_id, ...wanted } = call.body
    const owner = await call.db
      .selectFrom('users as user')
      .innerJoin('projects as project', 'project.organization_id', 'user.organization_id')
      .select(hasAccess({ organization: 'user.organization_id', project: 'project.id', user: 'user.id' }).as('access'))
      .where('project.id', '=', call.project.id)
      .where('user.organization_id', '=', call.organization_id)
      .where('user.id', '=', user_id)
      .where('user.deleted_at', 'is', null)
      .executeTakeFirst()
    if (!owner) throw notFound('user', user_id, 'user_id')
    if (!owner.access) throw invalid(`User ${user_id} is not a member of ${call.project.id}`, 'user_id')
    const { value, columns } = issueKey(call, 'project', wanted)
    const { organization_id, project_id } = within(call)
    await call.db
      .insertInto('api_keys')
      .values({ organization_id, project_id, owner_type: 'user', owner_id: user_id, ...columns })
      .execute()
    call.record('api_key.created', { id: columns.id, data: { scopes: wanted.scopes ?? [] } })
    return { ...present(await find(call, columns.id)), value }
  },

  retrieve: async (call) => present(await find(call, call.params.api_key_id)),

  async update(call) {
    notArchived(call.project)
    const key = await find(call, call.params.api_key_id)
    const { scopes, expires_in_seconds } = call.body
    if (scopes === undefined && expires_in_seconds === undefined)
      throw invalid("Give at least one of 'scopes' and 'expires_in_seconds'.", 'scopes', 'missing_required_parameter')
    if (key.expires_at !== null && key.expires_at <= call.now)
      throw invalid(`API key ${key.id} is expired and cannot be updated`)
    await call.db
      .updateTable('api_keys')
      .set({
        ...(scopes && { scopes: JSON.stringify(scopes) }),
        ...(expires_in_seconds && { expires_at: call.now + expires_in_seconds }),
      })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', key.id)
      .execute()
    call.record('api_key.updated', { id: key.id, changes_requested: { scopes, expires_in_seconds } })
    return present(await find(call, key.id))
  },

  async delete(call) {
    const { id } = await find(call, call.params.api_key_id)
    await call.db
      .updateTable('api_keys')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    call.record('api_key.deleted', { id })
    return gone('organization.project.api_key', id)
  },
})

const within = (call: Call<typeof projectApiKeys.list>) => ({
  organization_id: call.organization_id,
  project_id: call.project.id,
})

/** Which keys a list shows, by whether their owners still have access. */
type Access = 'active' | 'inactive' | 'any' | 'members'

/** `user.id` is null for a service account: then no role is looked for. */
const owner = { organization: 'item.organization_id', project: 'item.project_id', user: 'user.id' }

const keys = collection('api_keys', ['organization_id', 'project_id'], (item, access: Access) => {
  const rows = item
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
    .select(['item.id', 'item.name', 'item.redacted_value', 'item.created_at', 'item.last_used_at', 'item.expires_at'])
    .select(['item.owner_id', 'user.name as user_name', 'user.email', 'user.created_at as user_created_at'])
    .select([
      'account.name as account_name',
      'account.role as account_role',
      'account.created_at as account_created_at',
    ])
    .select([directRank(owner).as('direct_rank'), groupRank(owner).as('group_rank'), 'project.archived_at'])
    .where('item.deleted_at', 'is', null)
  if (access === 'any') return rows
  return rows.where((is) => {
    if (access === 'members') return is.or([is('item.owner_type', '=', 'service_account'), isDirectMember(owner)])
    const active = is.and([
      is('project.archived_at', 'is', null),
      is.or([is(is.fn.coalesce('account.role', is.val('none')), '!=', 'none'), hasAccess(owner)]),
    ])
    return access === 'active' ? active : is.not(active)
  })
})

type Row = NonNullable<Awaited<ReturnType<typeof keys.find>>>

function present(row: Row): Output<typeof projectApiKeys.retrieve> {
  const { id, name, redacted_value, created_at, last_used_at, expires_at, owner_id } = row
  const role = row.account_role ?? roleOf(row.direct_rank, row.group_rank)
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

async function find(call: Call<typeof projectApiKeys.list>, id: string) {
  const key = await keys.find(call.db, within(call), id, 'any')
  if (!key) throw notFound('api_key', id)
  return key
}
