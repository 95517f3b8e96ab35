import { adminApiKeys } from '../../contract/admin-api-keys.ts'
import { notFound } from '../../contract/errors.ts'
import { adminScopes } from '../../contract/scopes.ts'
import { listOf } from '../../database/table-list.ts'
import { deletedKey, withMac } from '../../keys/key-mac.ts'
import { handlers, type Call } from '../call.ts'
import { requirePermissions } from '../rules/require-grantable.ts'
import { requireOwner } from '../rules/require-an-owner.ts'
import { presentAdminKey, withAdminOwner } from '../shared/admin-key-rows.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { issueKey } from '../shared/issue-key.ts'

export default handlers(adminApiKeys, {
  list: (call) => table.page(call.db, call.caller, call.query, presentAdminKey),

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
    return { ...presentAdminKey(await findAdminApiKey(call, columns.id)), value }
  },

  retrieve: async (call) => presentAdminKey(await findAdminApiKey(call, call.params.key_id)),

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

const table = listOf('admin_api_keys', ['organization_id'], withAdminOwner, { order: 'asc' })

export async function findAdminApiKey(call: Pick<Call, 'db' | 'caller'>, id: string) {
  const key = await table.find(call.db, { organization_id: call.caller.organization_id }, id)
  if (!key) throw notFound('api_key', id)
  return key
}
