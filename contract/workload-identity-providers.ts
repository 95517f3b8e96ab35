/**
 * OIDC issuers whose tokens workloads may exchange for access tokens, and how those are verified.
 */
import {
  anyObject,
  cursor,
  del,
  deleted,
  get,
  id,
  list,
  name,
  nullable,
  object,
  oneOf,
  optional,
  order,
  post,
  t,
  time,
} from './kit.ts'

/** Most providers of an organization, and most rules of a provider, as at OpenAI. */
export const MOST_PROVIDERS = 50
export const MOST_RULES = 50

type Verification = { type: 'discovery'; discovery_url: string | null } | { type: 'uploaded_jwks'; jwks: Jwks }
type SentVerification = { type: 'discovery'; discovery_url?: string | null } | { type: 'uploaded_jwks'; jwks: Jwks }
type Jwks = Record<string, unknown>

const url = (description: string) => t.String({ minLength: 1, maxLength: 2048, description })

/** One flat schema for both forms, so that an error can say what was expected. */
const verificationSchema = {
  type: 'object',
  properties: {
    type: oneOf('discovery', 'uploaded_jwks'),
    discovery_url: nullable(
      url('Where the discovery document is; by default below the issuer, at `/.well-known/openid-configuration`.'),
    ),
    jwks: { ...anyObject(), description: 'Public keys as a JSON Web Key Set; at most 100 keys and 64 KiB.' },
  },
  required: ['type'],
  additionalProperties: false,
  description:
    'Where the keys come from that verify tokens: from the discovery document of the issuer, or from here. Discovery is the default.',
} as const

const transformations = () =>
  t.Array(
    t.Object(
      {
        attribute: t.String({ minLength: 1, maxLength: 100, description: 'The name that a rule matches it by.' }),
        expression: t.String({
          minLength: 1,
          maxLength: 1024,
          description: 'CEL over `assertion`, the claims of the token: `assertion["kubernetes.io"].namespace`.',
        }),
      },
      { additionalProperties: false },
    ),
    { maxItems: 20, description: 'Attributes that are computed from the claims, for rules to match.' },
  )

const description = () => t.String({ maxLength: 1000 })
const issuer = () => url('The `iss` of its tokens, exactly.')
const audience = () =>
  t.String({ minLength: 1, maxLength: 1024, description: 'What the `aud` of its tokens must have.' })
const enabled = () => optional(t.Boolean({ description: 'Whether its tokens are taken; true by default.' }))

export const WorkloadIdentityProvider = object(
  'organization.workload_identity_provider',
  {
    id: id('idp_'),
    name: t.String(),
    description: nullable(t.String()),
    type: oneOf('oidc'),
    issuer: t.String(),
    audience: t.String(),
    attribute_transformations: t.Array(t.Object({ attribute: t.String(), expression: t.String() })),
    verification: t.Unsafe<Verification>(verificationSchema),
    enabled: t.Boolean(),
    created_at: time(),
    updated_at: time(),
  },
  'An OIDC issuer, such as a Kubernetes cluster or GitHub Actions. Its rules say which of its tokens stand for which service account.',
)

const path = '/organization/workload_identity_providers'
const one = `${path}/{workload_identity_provider_id}` as const
const { after, limit } = cursor()
export const identityPage = { after: optional(nullable(after)), limit, order: order('desc') }

export const workloadIdentityProviders = {
  list: get(path, {
    about: 'Lists the workload identity providers of the organization, newest first.',
    can: 'api.management.read',
    query: identityPage,
    returns: list(WorkloadIdentityProvider),
  }),
  create: post(path, {
    about: `Registers an OIDC issuer for workloads without keys; at most ${MOST_PROVIDERS}.`,
    can: 'api.management.write',
    audit: 'workload_identity_provider.created',
    body: {
      name: name(),
      type: oneOf('oidc'),
      issuer: issuer(),
      audience: audience(),
      description: optional(description()),
      attribute_transformations: optional(transformations()),
      verification: optional(t.Unsafe<SentVerification>(verificationSchema)),
      enabled: enabled(),
    },
    returns: WorkloadIdentityProvider,
  }),
  retrieve: get(one, {
    about: 'Retrieves a workload identity provider.',
    can: 'api.management.read',
    returns: WorkloadIdentityProvider,
  }),
  update: post(one, {
    about:
      'Changes a workload identity provider. What is not given stays. Unless only its name or description changes, the access tokens that were issued for it are dead at once.',
    can: 'api.management.write',
    audit: 'workload_identity_provider.updated',
    body: {
      name: optional(name()),
      issuer: optional(issuer()),
      audience: optional(audience()),
      description: optional(nullable(description())),
      attribute_transformations: optional(transformations()),
      verification: optional(t.Unsafe<SentVerification>(verificationSchema)),
      enabled: enabled(),
    },
    returns: WorkloadIdentityProvider,
  }),
  delete: del(one, {
    about: 'Deletes a workload identity provider. Its rules must be deleted before.',
    can: 'api.management.write',
    audit: 'workload_identity_provider.deleted',
    returns: deleted('organization.workload_identity_provider'),
  }),
}
