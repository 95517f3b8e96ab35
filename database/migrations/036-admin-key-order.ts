/**
 * Admin keys get what the list of all keys sorts by: the columns and indexes that keys of projects
 * have. The last condition of each index is always true, as there (001).
 */
import type { Migration } from './migration.ts'

export const adminKeyOrder: Migration = {
  name: '036-admin-key-order',
  statements: ({ integer, generated }) => {
    const index = (name: string, columns: string, condition: string) =>
      `create index admin_api_keys_${name} on admin_api_keys (organization_id, ${columns}, deleted_at) where deleted_at is null and ${condition}`
    return [
      `alter table admin_api_keys add column last_used_sort ${integer} generated always as (coalesce(last_used_at, 0)) ${generated}`,
      `alter table admin_api_keys add column expires_sort ${integer} generated always as (coalesce(expires_at, 9999999999999)) ${generated}`,
      index('created', 'created_at, id', `id > ''`),
      index('last_used', 'last_used_sort, created_at, id', `id >= ''`),
      index('expires', 'expires_sort, created_at, id', `id >= ''`),
    ]
  },
}
