/**
 * Rows and heads of the audit log get a seal, made with the pepper. Rows that exist already are
 * covered by the first seal after them.
 */
import type { Migration } from './migration.ts'

export const auditSeals: Migration = {
  name: '010-audit-seals',
  statements: ({ text, integer, bytes }) => [
    `alter table audit_logs add column seal ${bytes}`,
    `alter table audit_logs add column pepper_name ${text}`,
    `alter table audit_heads add column seal ${bytes}`,
    `alter table audit_heads add column pepper_name ${text}`,
    `alter table audit_heads add column sealed_from ${integer}`,
    `alter table audit_heads add column doubtful_seq ${integer}`,
  ],
}
