import { adminApiKeys } from '../../contract/admin-api-keys.ts'
import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { adminScopes, type AdminScope } from '../../contract/scopes.ts'
import { listOf } from '../../database/table-list.ts'
import { deletedKey, withMac } from '../../keys/key-mac.ts'
import { handlers, type Call } from '../call.ts'
import { requirePermissions } from '../rules/require-grantable.ts'
import { requireOwner } from '../rules/require-an-owner.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { issueKey } from '../shared/issue-key.ts'

export default handlers(adminApiKeys, {
  list: (call) => table.page(call.db, call.caller, call.query, present),

  async create(call) {
    const { name, expires_in_seconds } = call.body
    const scopes = call.body.scopes ?? adminScopes.filter(call.caller.may)
    const shows_scopes = call.body.scopes ? 1 : 0
    requirePermissions(call.caller, scopes)
    await requireOwner(call)
    const { value, columns } = issueKey(call, 'admin', { name, scopes, expires_in_seconds })
    await call.db
      .insertInto('admin_api_keys')
      .values(
        withMac(call.keys.pepper, 'admin_api_keys', {
          organization_id: call.organization_id,
          owner_id: call.caller.user_id,
          is_imported: 0,
          shows_scopes,
          ...columns,
        }),
      )
      .execute()
    call.record('api_key.created', { id: columns.id, data: { scopes } })
    return { ...present(await findAdminApiKey(call, columns.id)), value }
  },

  retrieve: async (call) => present(await findAdminApiKey(call, call.params.key_id)),

  async delete(call) {
    const { id } = await findAdminApiKey(call, call.params.key_id)
    await call.db
      .updateTable('admin_api_keys')
      .set(deletedKey(call.now))
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    call.record('api_key.deleted', { id })
    return deletedResult('organization.admin_api_key', id)
  },
})

const table = listOf(
  'admin_api_keys',
  ['organization_id'],
  (item) =>
    item
      .innerJoin('users as owner', (on) =>
        on.onRef('owner.organization_id', '=', 'item.organization_id').onRef('owner.id', '=', 'item.owner_id'),
      )
      .select(['item.id', 'item.name', 'item.redacted_value', 'item.scopes', 'item.shows_scopes'])
      .select(['item.created_at', 'item.last_used_at', 'item.expires_at'])
      .select(['item.owner_id', 'owner.name as owner_name', 'owner.created_at as owner_created_at'])
      .where('item.deleted_at', 'is', null),
  { order: 'asc' },
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present = (row: Row): Output<typeof adminApiKeys.retrieve> => ({
  object: 'organization.admin_api_key',
  id: row.id,
  name: row.name,
  redacted_value: row.redacted_value,
  created_at: row.created_at,
  last_used_at: row.last_used_at,
  expires_at: row.expires_at,
  // Not shown to a client that did not set this extension, because Terraform would replace the key.
  ...(row.shows_scopes && { scopes: JSON.parse(row.scopes) as AdminScope[] }),
  owner: {
    type: 'user',
    object: 'organization.user',
    id: row.owner_id,
    name: row.owner_name,
    created_at: row.owner_created_at,
    role: 'owner',
  },
})

export async function findAdminApiKey(call: Pick<Call, 'db' | 'caller'>, id: string) {
  const key = await table.find(call.db, { organization_id: call.caller.organization_id }, id)
  if (!key) throw notFound('api_key', id)
  return key
}
