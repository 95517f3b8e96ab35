/** What a project may use beside models: hosted tools and service tiers, as JSON by name. */
import type { Migration } from './migration.ts'

export const projectSettings: Migration = {
  name: '027-project-settings',
  statements: ({ text, clustered }) => [
    `create table project_settings (
      organization_id ${text} not null,
      project_id ${text} not null,
      name ${text} not null,
      value ${text} not null,
      primary key (organization_id, project_id, name)
    )${clustered}`,
  ],
}
