/** Which living keys were digested with which pepper. */
import type { Sql } from '../database/types.ts'
import type { Pepper, Peppers } from './digest.ts'
import { pepperOf, type KeyTable } from './key-mac.ts'

export interface LivingKey {
  table: KeyTable
  organization_id: string
  id: string
  name: string
  redacted_value: string
  last_used_at: number | null
  /** Undefined for a row that was changed without the pepper. */
  pepper: Pepper | undefined
}

const PAGE = 1000

/** All living keys, of projects first. */
export async function* livingKeys(sql: Sql, peppers: Peppers): AsyncGenerator<LivingKey> {
  const organizations = await sql.selectFrom('organizations').select('id').orderBy('id').execute()
  for (const table of ['api_keys', 'admin_api_keys'] as const)
    for (const organization of organizations)
      for (let last = ''; ;) {
        const rows = await page(sql, table, organization.id, last)
        for (const row of rows) yield { ...row, table, pepper: pepperOf(peppers, table, row as never) }
        if (rows.length < PAGE) break
        last = rows.at(-1)!.id
      }
}

const page = (sql: Sql, table: KeyTable, organization_id: string, after: string) =>
  sql
    .selectFrom(table)
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('id', '>', after)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .limit(PAGE)
    .execute()
