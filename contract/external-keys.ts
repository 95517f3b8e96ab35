/** Encryption keys that the organization holds at a cloud provider: a registry of their names. */
import { cloudNames, providerTypes, type Members, type ProviderType } from './cloud-names.ts'
import { cursor, del, get, id, list, name, nullable, object, oneOf, optional, order, post, t, time } from './kit.ts'

const purposes = ['ekm', 'psp_decryption'] as const

/** `version` is needed for `psp_decryption`, and not taken for `ekm`. */
export const keyMembers: Record<ProviderType, Members & { version?: string }> = {
  aws: { required: ['external_id', 'kms_arn', 'role_arn'] },
  gcp: {
    required: [
      'audience',
      'kms_key_location',
      'kms_key_name',
      'kms_key_ring_name',
      'kms_project_id',
      'workload_identity_pool_id',
      'workload_identity_project_number',
      'workload_identity_provider_id',
    ],
    version: 'kms_key_version',
  },
  azure: { required: ['key_name', 'tenant_id', 'vault_uri'], version: 'key_version' },
  oci: { required: ['key_ocid', 'region', 'vault_ocid'], version: 'key_version_ocid' },
}

const ofUs = (what: string) =>
  t.String({
    minLength: 1,
    maxLength: 255,
    description: `${what}: the id of the organization or of one of its projects.`,
  })

const members = {
  audience: optional(ofUs('What the identity token must be for')),
  external_id: optional(ofUs('The external id in the role’s trust policy')),
  key_name: optional(cloudNames.vaultKey()),
  key_ocid: optional(cloudNames.ociKey()),
  key_version: optional(cloudNames.vaultKeyVersion()),
  key_version_ocid: optional(cloudNames.ociKeyVersion()),
  kms_arn: optional(cloudNames.kmsArn()),
  kms_key_location: optional(cloudNames.kmsLocation()),
  kms_key_name: optional(cloudNames.kmsName('The name of the master key.')),
  kms_key_ring_name: optional(cloudNames.kmsName('The key ring of the master key.')),
  kms_key_version: optional(cloudNames.kmsVersion()),
  kms_project_id: optional(cloudNames.googleProject()),
  region: optional(cloudNames.ociRegion()),
  role_arn: optional(cloudNames.roleArn()),
  tenant_id: optional(cloudNames.tenantId()),
  vault_ocid: optional(cloudNames.ociVault()),
  vault_uri: optional(cloudNames.vaultUri()),
  workload_identity_pool_id: optional(cloudNames.identityPool()),
  workload_identity_project_number: optional(cloudNames.projectNumber()),
  workload_identity_provider_id: optional(cloudNames.identityProvider()),
}

export const ExternalKey = object(
  'organization.external_key',
  {
    id: id('ekey_'),
    name: t.String(),
    type: oneOf(...providerTypes),
    purpose: oneOf(...purposes),
    created_at: time(),
    api_project_ids: t.Array(t.String(), {
      description: 'The active projects that have it as their `external_key_id`.',
    }),
    workspace_id: t.String({ description: 'Always empty: there are no workspaces.' }),
    ...members,
  },
  'The name of a key at a cloud provider, and how to reach it. Keyhall keeps it and encrypts nothing with it.',
)

const path = '/organization/external_keys'
const one = `${path}/{external_key_id}` as const
const { after, limit } = cursor()

export const externalKeys = {
  list: get(path, {
    about: 'Lists the external keys of the organization, newest first.',
    can: 'api.management.read',
    query: {
      after: optional(nullable(after)),
      limit,
      order: order('desc'),
      purpose: optional({ ...oneOf(...purposes), description: 'Only keys for this purpose.' }),
    },
    returns: list(ExternalKey),
  }),
  create: post(path, {
    about:
      'Registers an external key. Its members are those of its type; their form is checked, the provider not asked.',
    can: 'api.management.write',
    audit: 'external_key.registered',
    body: {
      name: name(),
      type: oneOf(...providerTypes),
      purpose: optional({
        ...oneOf(...purposes),
        description: '`ekm` by default. `psp_decryption` needs the exact version of the key.',
      }),
      ...members,
    },
    returns: ExternalKey,
  }),
  retrieve: get(one, {
    about: 'Retrieves an external key.',
    can: 'api.management.read',
    returns: ExternalKey,
  }),
  delete: del(one, {
    about: 'Removes an external key, and answers what it was. No active project may have it as its `external_key_id`.',
    can: 'api.management.write',
    audit: 'external_key.removed',
    returns: ExternalKey,
  }),
  validate: post(`${one}/validate`, {
    about:
      'Is always refused with `provider_not_asked`: Keyhall calls no cloud provider, so it cannot say more than create.',
    can: 'api.management.write',
    unaudited: 'It changes nothing.',
    returns: t.Object({ status: t.String() }),
  }),
}
