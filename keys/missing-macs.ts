/** Gives a MAC to each living key that has none: once, in a database from before keys had MACs. */
import { sql as raw } from 'kysely'
import type { Database, Sql } from '../database/types.ts'
import type { Pepper } from './digest.ts'
import { withMac, type KeyTable } from './key-mac.ts'

const BATCH = 200

export async function addMissingMacs(database: Database, pepper: Pepper) {
  for (const table of ['api_keys', 'admin_api_keys'] as const)
    for (;;) {
      const count = await database.write((sql) => addBatch(sql, pepper, table))
      if (count < BATCH) break
    }
}

async function addBatch(sql: Sql, pepper: Pepper, table: KeyTable): Promise<number> {
  const rows = await keysWithoutMac(sql, table)
  if (rows.length === 0) return 0
  const macs = rows.map((row) => withMac(pepper, table, row as never) as (typeof rows)[number] & { mac: Uint8Array })
  const values = macs.map(({ organization_id, id, mac }) => raw`(${organization_id}, ${id}, ${mac})`)
  const column = (name: string) => raw.ref(`${table}.${name}`)
  await raw`
    with made (organization_id, id, mac) as (values ${raw.join(values)})
    update ${raw.table(table)} set mac = made.mac from made
    where ${column('organization_id')} = made.organization_id and ${column('id')} = made.id`.execute(sql)
  return rows.length
}

const keysWithoutMac = (sql: Sql, table: KeyTable) => {
  const columns = ['organization_id', 'id', 'digest', 'owner_id', 'scopes', 'expires_at'] as const
  return table === 'api_keys'
    ? sql
        .selectFrom('api_keys')
        .select([...columns, 'project_id', 'owner_type', 'version'])
        .where('mac', 'is', null)
        .where('deleted_at', 'is', null)
        .limit(BATCH)
        .execute()
    : sql
        .selectFrom('admin_api_keys')
        .select(columns)
        .where('mac', 'is', null)
        .where('deleted_at', 'is', null)
        .limit(BATCH)
        .execute()
}
