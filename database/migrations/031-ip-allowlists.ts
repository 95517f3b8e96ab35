/**
 * IP allow lists, and where they are active: an empty project stands for the organization. What
 * they allow together is a setting of the project or organization, because it is read with keys.
 */
import type { Migration } from './migration.ts'

export const ipAllowlists: Migration = {
  name: '031-ip-allowlists',
  isBreaking: true,
  statements: ({ text, integer, strict, clustered }) => [
    `create table ip_allowlists (
      organization_id ${text} not null,
      id ${text} not null,
      name ${text} not null,
      allowed_ips ${text} not null,
      created_at ${integer} not null,
      deleted_at ${integer},
      primary key (organization_id, id)
    )${strict}`,
    `create index ip_allowlists_listed on ip_allowlists (organization_id, created_at, id)`,
    `create table active_ip_allowlists (
      organization_id ${text} not null,
      project_id ${text} not null,
      ip_allowlist_id ${text} not null,
      primary key (organization_id, project_id, ip_allowlist_id)
    )${clustered}`,
    `create index active_ip_allowlists_by_list on active_ip_allowlists (organization_id, ip_allowlist_id)`,
  ],
}
