/** What model servers may keep of requests: in the organization and, alike, in each project. */
import { get, object, oneOf, post, type TSchema } from './kit.ts'

export const retentionTypes = [
  'zero_data_retention',
  'modified_abuse_monitoring',
  'enhanced_zero_data_retention',
  'enhanced_modified_abuse_monitoring',
] as const
export const projectRetentionTypes = ['organization_default', 'none', ...retentionTypes] as const
export type ProjectRetention = (typeof projectRetentionTypes)[number]

/** Whether nothing of a request may be stored. */
export const isZeroRetention = (type: ProjectRetention) =>
  type === 'zero_data_retention' || type === 'enhanced_zero_data_retention'

const dataRetentionAt = <const Path extends string, const Name extends string, const Type extends TSchema>(
  path: Path,
  { name, type, whose }: { name: Name; type: Type; whose: string },
) => {
  const DataRetention = object(
    `${name}.data_retention`,
    { type },
    'Under zero data retention, `store` of a request counts as false whatever it says, and usage is kept without the ids of people and their keys. The other types leave requests as they are.',
  )
  return {
    retrieve: get(path, {
      about: `Retrieves the data retention of ${whose}.`,
      can: 'api.management.read',
      returns: DataRetention,
    }),
    update: post(path, {
      about: `Sets the data retention of ${whose}, on every server at once.`,
      can: 'api.management.write',
      audit: 'tenant.policy.updated',
      body: { retention_type: type },
      returns: DataRetention,
    }),
  }
}

export const dataRetention = dataRetentionAt('/organization/data_retention', {
  name: 'organization',
  type: { ...oneOf(...retentionTypes), description: '`modified_abuse_monitoring` until it is set.' },
  whose: 'the organization, which holds for every project that has none of its own',
})

export const projectDataRetention = dataRetentionAt('/organization/projects/{project_id}/data_retention', {
  name: 'project',
  type: {
    ...oneOf(...projectRetentionTypes),
    description:
      '`organization_default`, as long as it is not set, is that of the organization; `none` leaves requests as they are.',
  },
  whose: 'a project',
})
