import { adminApiKeys } from '../../contract/admin-api-keys.ts'
import { forbidden, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import type { AdminScope } from '../../contract/permissions.ts'
import { collection } from '../../database/page.ts'
import { handlers, type Call } from '../call.ts'
import { gone } from '../rules/gone.ts'
import { issueKey } from '../rules/issue-key.ts'

export default handlers(adminApiKeys, {
  list: (call) => keys.page(call.db, call.caller, call.query, present),

  async create(call) {
    const { name, expires_in_seconds, scopes = [...call.caller.scopes] } = call.body
    // Nobody grants what they do not hold.
    const missing = scopes.find((scope) => !call.caller.scopes.includes(scope))
    if (missing) throw forbidden(missing)
    const { value, columns } = issueKey(call, 'admin', { name, scopes, expires_in_seconds })
    await call.db
      .insertInto('admin_api_keys')
      .values({ organization_id: call.organization_id, owner_id: call.caller.user_id, is_foreign: 0, ...columns })
      .execute()
    call.record('api_key.created', { id: columns.id, data: { scopes } })
    return { ...present(await find(call, columns.id)), value }
  },

  retrieve: async (call) => present(await find(call, call.params.key_id)),

  async delete(call) {
    const { id } = await find(call, call.params.key_id)
    await call.db
      .updateTable('admin_api_keys')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    call.record('api_key.deleted', { id })
    return gone('organization.admin_api_key', id)
  },
})

const keys = collection(
  'admin_api_keys',
  ['organization_id'],
  (item) =>
    item
      .innerJoin('users as owner', (on) =>
        on.onRef('owner.organization_id', '=', 'item.organization_id').onRef('owner.id', '=', 'item.owner_id'),
      )
      .select(['item.id', 'item.name', 'item.redacted_value', 'item.scopes'])
      .select(['item.created_at', 'item.last_used_at', 'item.expires_at'])
      .select(['item.owner_id', 'owner.name as owner_name', 'owner.created_at as owner_created_at'])
      .where('item.deleted_at', 'is', null),
  { order: 'asc' },
)

type Row = NonNullable<Awaited<ReturnType<typeof keys.find>>>

const present = (row: Row): Output<typeof adminApiKeys.retrieve> => ({
  object: 'organization.admin_api_key',
  id: row.id,
  name: row.name,
  redacted_value: row.redacted_value,
  created_at: row.created_at,
  last_used_at: row.last_used_at,
  expires_at: row.expires_at,
  scopes: JSON.parse(row.scopes) as AdminScope[],
  owner: {
    type: 'user',
    object: 'organization.user',
    id: row.owner_id,
    name: row.owner_name,
    created_at: row.owner_created_at,
    role: 'owner',
  },
})

async function find(call: Pick<Call, 'db' | 'caller'>, id: string) {
  const key = await keys.find(call.db, { organization_id: call.caller.organization_id }, id)
  if (!key) throw notFound('api_key', id)
  return key
}
