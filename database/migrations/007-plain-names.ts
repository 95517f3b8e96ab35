/**
 * Gives tables and columns plain names. It is the only migration after which the version before it
 * does not run.
 */
import type { Migration } from './migration.ts'

export const plainNames: Migration = {
  name: '007-plain-names',
  isBreaking: true,
  // Both engines carry the new names into indexes, generated columns and foreign keys.
  statements: ({ renameConstraint }) => [
    `alter table departed rename to left_memberships`,
    ...renameConstraint('left_memberships', 'departed_pkey', 'left_memberships_pkey'),
    ...renameConstraint('left_memberships', 'departed_organization_id_fkey', 'left_memberships_organization_id_fkey'),
    `alter table properties rename to metadata`,
    ...renameConstraint('metadata', 'properties_pkey', 'metadata_pkey'),
    `alter table epochs rename to counters`,
    ...renameConstraint('counters', 'epochs_pkey', 'counters_pkey'),
    `update counters set name = 'revocation_epoch' where name = 'authority'`,
    `alter table api_keys rename column last_used_place to last_used_sort`,
    `alter table api_keys rename column expires_place to expires_sort`,
    `alter table admin_api_keys rename column is_foreign to is_imported`,
    `alter table nodes rename column is_leaving to is_evicted`,
  ],
}
