/**
 * A MAC for each key's row. The rows that there are get theirs when a server starts, because only
 * it has the pepper.
 */
import type { Migration } from './migration.ts'

export const keyMacs: Migration = {
  name: '009-key-macs',
  statements: ({ bytes, integer }) =>
    ['api_keys', 'admin_api_keys'].flatMap((table) => [
      `alter table ${table} add column mac ${bytes}`,
      `alter table ${table} add column is_redigested ${integer} not null default 0`,
      `create index ${table}_redigested on ${table} (digest) where is_redigested = 1`,
    ]),
}
