/** Reads admin keys with their owners and shows them, for their own list and that of all keys. */
import type { SelectQueryBuilder } from 'kysely'
import type { adminApiKeys } from '../../contract/admin-api-keys.ts'
import type { Output } from '../../contract/kit.ts'
import type { AdminScope } from '../../contract/scopes.ts'
import type { Tables } from '../../database/tables.ts'

type Item = SelectQueryBuilder<Tables & { item: Tables['admin_api_keys'] }, 'item', {}>

/** Selects what `presentAdminKey` shows, of keys that were not deleted. */
export const withAdminOwner = (item: Item) =>
  item
    .innerJoin('users as owner', (on) =>
      on.onRef('owner.organization_id', '=', 'item.organization_id').onRef('owner.id', '=', 'item.owner_id'),
    )
    .select(['item.id', 'item.name', 'item.redacted_value', 'item.scopes', 'item.shows_scopes'])
    .select(['item.created_at', 'item.last_used_at', 'item.expires_at'])
    .select(['item.owner_id', 'owner.name as owner_name', 'owner.created_at as owner_created_at'])
    .where('item.deleted_at', 'is', null)

type Row = Awaited<ReturnType<ReturnType<typeof withAdminOwner>['execute']>>[number]

export const presentAdminKey = (row: Row): Output<typeof adminApiKeys.retrieve> => ({
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
