/**
 * Notes what the caller asked for and what was only a default. Admin keys show their scopes only if
 * these were given when the key was made; of the keys that exist, those with fewer than all scopes
 * do. A membership that came with its project was created by nobody.
 */
import type { Migration } from './migration.ts'

export const unasked: Migration = {
  name: '012-unasked',
  statements: ({ integer }) => [
    `alter table admin_api_keys add column shows_scopes ${integer} not null default 0`,
    `update admin_api_keys set shows_scopes = 1
      where scopes <> '["api.management.read","api.management.write","api.usage.read"]'`,
    `update role_assignments set created_by = null
      where role = 'owner' and created_by = principal_id and exists (
        select 1 from projects
        where projects.organization_id = role_assignments.organization_id
          and projects.id = role_assignments.resource_id
          and projects.created_at = role_assignments.created_at)`,
  ],
}
