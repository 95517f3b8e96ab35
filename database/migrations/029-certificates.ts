/** Certificates of authorities, and which of them are active for the organization or a project. */
import type { Migration } from './migration.ts'

export const certificates: Migration = {
  name: '029-certificates',
  isBreaking: true,
  statements: ({ text, integer, bytes, strict, clustered }) => [
    `create table certificates (
      organization_id ${text} not null,
      id ${text} not null,
      name ${text},
      content ${text} not null,
      valid_at ${integer} not null,
      expires_at ${integer} not null,
      created_at ${integer} not null,
      deleted_at ${integer},
      mac ${bytes},
      primary key (organization_id, id)
    )${strict}`,
    `create index certificates_listed on certificates (organization_id, created_at, id)`,
    `create table active_certificates (
      organization_id ${text} not null,
      project_id ${text} not null,
      certificate_ids ${text} not null,
      mac ${bytes} not null,
      primary key (organization_id, project_id)
    )${clustered}`,
  ],
}
