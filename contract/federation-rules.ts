/** Which tokens of a workload identity provider stand for which service account. */
import { anyId, del, deleted, get, id, list, name, nullable, object, oneOf, optional, post, t, time } from './kit.ts'
import { Permission } from './permissions.ts'
import { identityPage, MOST_RULES } from './workload-identity-providers.ts'

type Matchers = Record<string, string | boolean | number>
type Permissions = { type: 'service_account_default' } | { type: 'restricted'; scopes: string[] }

export const MOST_MATCHERS = 20

const matchers = () =>
  t.Unsafe<Matchers>({
    type: 'object',
    additionalProperties: { type: ['string', 'boolean', 'number'] },
    description: `What the token must have: names of claims or of transformed attributes, each with its exact value. All must hold; 1 to ${MOST_MATCHERS}.`,
  })

const permissions = () =>
  t.Unsafe<Permissions>({
    type: 'object',
    properties: {
      type: oneOf('service_account_default', 'restricted'),
      scopes: t.Array(Permission, { minItems: 1, maxItems: 100, uniqueItems: true }),
    },
    required: ['type'],
    additionalProperties: false,
    description: 'What the access tokens may do: all that the service account may (the default), or only these scopes.',
  })

export const FederationRule = object(
  'organization.workload_identity_federation_rule',
  {
    id: id('idpm_'),
    workload_identity_provider_id: t.String(),
    name: nullable(t.String()),
    description: nullable(t.String()),
    attribute_matchers: matchers(),
    project_id: t.String(),
    service_account_id: t.String(),
    permissions: permissions(),
    enabled: t.Boolean(),
    created_at: time(),
    updated_at: time(),
  },
  'A token of the provider whose attributes match can be exchanged for an access token of the service account.',
)

const path = '/organization/workload_identity_providers/{workload_identity_provider_id}/federation_rules'
const one = `${path}/{workload_identity_federation_rule_id}` as const
const description = () => t.String({ maxLength: 1000 })

export const federationRules = {
  list: get(path, {
    about: 'Lists the federation rules of a provider, newest first.',
    can: 'api.management.read',
    query: { ...identityPage, service_account_id: optional(anyId('Only rules for this service account.')) },
    returns: list(FederationRule),
  }),
  create: post(path, {
    about: `Lets tokens of the provider stand for a service account; at most ${MOST_RULES} rules.`,
    can: 'api.management.write',
    audit: 'workload_identity_provider_mapping.created',
    body: {
      attribute_matchers: matchers(),
      project_id: anyId('The project of the service account.'),
      service_account_id: anyId(),
      name: optional(name()),
      description: optional(description()),
      permissions: optional(permissions()),
      enabled: optional(t.Boolean({ description: 'Whether it is used; true by default.' })),
    },
    returns: FederationRule,
  }),
  retrieve: get(one, {
    about: 'Retrieves a federation rule.',
    can: 'api.management.read',
    returns: FederationRule,
  }),
  update: post(one, {
    about:
      'Changes a federation rule. What is not given stays. Unless only its name or description changes, the access tokens that were issued by it are dead at once.',
    can: 'api.management.write',
    audit: 'workload_identity_provider_mapping.updated',
    body: {
      attribute_matchers: optional(matchers()),
      name: optional(nullable(name())),
      description: optional(nullable(description())),
      permissions: optional(permissions()),
      enabled: optional(t.Boolean()),
    },
    returns: FederationRule,
  }),
  delete: del(one, {
    about: 'Deletes a federation rule. The access tokens that were issued by it are dead at once.',
    can: 'api.management.write',
    audit: 'workload_identity_provider_mapping.deleted',
    returns: deleted('organization.workload_identity_federation_rule'),
  }),
}
