/** External keys and external storage: what an organization has at cloud providers. */
import type { Migration } from './migration.ts'

export const registries: Migration = {
  name: '030-registries',
  statements: ({ text, integer, strict }) => [
    `create table external_keys (
      organization_id ${text} not null,
      id ${text} not null,
      name ${text} not null,
      type ${text} not null,
      purpose ${text} not null,
      members ${text} not null,
      created_at ${integer} not null,
      deleted_at ${integer},
      primary key (organization_id, id)
    )${strict}`,
    `create index external_keys_listed on external_keys (organization_id, created_at, id)`,
    `create index projects_by_external_key on projects (organization_id, external_key_id)
      where external_key_id is not null`,
    `create table external_storage (
      organization_id ${text} not null,
      id ${text} not null,
      project_id ${text} not null,
      provider ${text} not null,
      created_at ${integer} not null,
      deleted_at ${integer},
      primary key (organization_id, id)
    )${strict}`,
    `create index external_storage_listed on external_storage (organization_id, created_at, id)`,
    `create index external_storage_of_project on external_storage (organization_id, project_id, created_at, id)`,
  ],
}
