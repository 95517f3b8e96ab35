/** The columns of the audit log that tests change. */
import type { AuditLogRow } from '../../database/tables.ts'

export const auditColumns = [
  'seq',
  'id',
  'type',
  'effective_at',
  'project_id',
  'actor_id',
  'actor_email',
  'actor_key_id',
  'resource_id',
  'entry',
  'hash',
  'seal',
  'pepper_name',
] as const satisfies (keyof AuditLogRow)[]

/** Those that may be null in a log that Keyhall wrote. */
export const nullableColumns: readonly string[] = [
  'project_id',
  'actor_id',
  'actor_email',
  'actor_key_id',
  'resource_id',
  'seal',
]
