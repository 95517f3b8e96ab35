/** Rows of an organization, found and changed by their id. */
import type { Selectable } from 'kysely'
import type { Tables } from '../../database/tables.ts'
import type { Sql } from '../../database/types.ts'

type TableWithId =
  | 'users'
  | 'groups'
  | 'roles'
  | 'invites'
  | 'projects'
  | 'service_accounts'
  | 'api_keys'
  | 'admin_api_keys'
  | 'identity_providers'
  | 'federation_rules'
  | 'sessions'

export async function findRow<Table extends TableWithId>(
  sql: Sql,
  table: Table,
  organization_id: string,
  id: string,
): Promise<Selectable<Tables[Table]> | undefined> {
  const rows = sql.selectFrom(table as TableWithId).selectAll()
  const row = await rows.where('organization_id', '=', organization_id).where('id', '=', id).executeTakeFirst()
  return row as Selectable<Tables[Table]> | undefined
}

export async function updateRow<Table extends Exclude<TableWithId, 'api_keys' | 'admin_api_keys'>>(
  { sql, organization_id }: { sql: Sql; organization_id: string },
  table: Table,
  id: string,
  values: Partial<Tables[Table]>,
) {
  const rows = sql.updateTable(table as TableWithId).set(values)
  await rows.where('organization_id', '=', organization_id).where('id', '=', id).execute()
}
