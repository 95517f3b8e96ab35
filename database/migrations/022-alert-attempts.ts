/**
 * Who of the recipients of a spend alert was told, so that only the others are tried again; and how
 * often that was tried.
 */
import type { Migration } from './migration.ts'

export const alertAttempts: Migration = {
  name: '022-alert-attempts',
  statements: ({ text, integer }) => [
    `alter table alert_deliveries add column told ${text} not null default '[]'`,
    `alter table alert_deliveries add column attempts ${integer} not null default 0`,
    `alter table alert_deliveries add column gave_up_at ${integer}`,
  ],
}
