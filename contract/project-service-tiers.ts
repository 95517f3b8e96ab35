/** Which service tiers a project may ask for, and which it gets where it asks for none. */
import { get, object, oneOf, optional, post, t } from './kit.ts'

export const optionalTiers = ['flex', 'fast', 'ultrafast'] as const
export type OptionalTier = (typeof optionalTiers)[number]
export type EnabledTiers = 'all' | OptionalTier[]

const enabledTiers = () =>
  t.Unsafe<EnabledTiers>({
    anyOf: [
      { type: 'string', enum: ['all'] },
      { type: 'array', items: oneOf(...optionalTiers), uniqueItems: true, maxItems: optionalTiers.length },
    ],
    description: 'Tiers beside Standard that requests may ask for; `all` includes those to come.',
  })

const tier = () => oneOf('standard', 'fast', 'scale')

export const ProjectServiceTiers = object(
  'project.service_tier_settings',
  {
    default: {
      ...tier(),
      description: 'Put into chat completions and responses that name no `service_tier`, or `auto`.',
    },
    enabled_tiers: enabledTiers(),
  },
  'A request for a tier that is not enabled is refused. Until they are set, requests are passed on as they are.',
)

const path = '/organization/projects/{project_id}/service_tier_settings'

export const projectServiceTiers = {
  retrieve: get(path, {
    about: 'Retrieves the service tiers of a project: Standard and all until they are set.',
    can: 'api.management.read',
    returns: ProjectServiceTiers,
  }),
  update: post(path, {
    about: 'Sets the service tiers of a project, on every server at once. What is not given stays.',
    can: 'api.management.write',
    audit: 'tenant.product_access_policy.updated',
    body: { default: optional(tier()), enabled_tiers: optional(enabledTiers()) },
    bodyRules: [{ atLeastOne: ['default', 'enabled_tiers'] }],
    returns: ProjectServiceTiers,
  }),
}
