/**
 * Preloaded into a server (`bun --preload`): it is the next version, which has a migration more.
 * That adds a column to each table that servers write all the time, and a table.
 */
import { migrations } from '../../database/migrations/index.ts'
import type { Migration } from '../../database/migrations/migration.ts'

const busy = ['api_keys', 'admin_api_keys', 'projects', 'service_accounts', 'audit_heads', 'audit_logs', 'nodes']
const ledger = ['budgets', 'rate_windows', 'usage_minutes', 'usage_hours', 'usage_days', 'usage_series']

const next: Migration = {
  name: '999-next',
  statements: ({ text, integer, strict }) => [
    ...[...busy, ...ledger].flatMap((table) => [
      `alter table ${table} add column next_note ${text}`,
      `alter table ${table} add column next_count ${integer} not null default 0`,
    ]),
    `create table next_things (id ${text} not null primary key)${strict}`,
  ],
}
;(migrations as Migration[]).push(next)
