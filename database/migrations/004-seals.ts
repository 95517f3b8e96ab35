/**
 * New keys have a seal from now on. A database that has keys already goes on accepting keys without
 * one.
 */
import type { Migration } from './migration.ts'

export const seals: Migration = {
  name: '004-seals',
  statements: () => [
    `insert into properties (name, value) select 'unsealed_keys', 'yes' where exists (select 1 from admin_api_keys)`,
  ],
}
