/** Storage that the organization holds at a cloud provider: a registry of its names. */
import { cloudNames, providerTypes, type Members, type ProviderType } from './cloud-names.ts'
import {
  anyId,
  cursor,
  del,
  deleted,
  get,
  id,
  list,
  nullable,
  object,
  oneOf,
  optional,
  order,
  post,
  t,
  time,
} from './kit.ts'

export const storageMembers: Record<ProviderType, Members> = {
  aws: { required: ['bucket', 'role_arn'] },
  azure: { required: ['account_name', 'container', 'resource_group', 'subscription_id', 'tenant_id'] },
  gcp: {
    required: [
      'bucket',
      'workload_identity_pool_id',
      'workload_identity_project_number',
      'workload_identity_provider_id',
    ],
  },
  oci: { required: ['bucket', 'region', 'tenancy_ocid'] },
}

export type SentProvider =
  | { type: 'aws'; bucket: string; role_arn: string }
  | {
      type: 'azure'
      account_name: string
      container: string
      resource_group: string
      subscription_id: string
      tenant_id: string
    }
  | ({ type: 'gcp'; bucket: string } & GoogleIdentity)
  | { type: 'oci'; bucket: string; region: string; tenancy_ocid: string }

export interface GoogleIdentity {
  workload_identity_pool_id: string
  workload_identity_project_number: string
  workload_identity_provider_id: string
}

/** As it is shown: with what follows from what was sent. */
export type ShownProvider =
  | { type: 'aws'; bucket: string; role_arn: string; account_id: string; external_id: string; region: string }
  | (SentProvider & { type: 'azure'; region: string })
  | (SentProvider & { type: 'gcp'; audience: string; region: string })
  | (SentProvider & { type: 'oci' })

const sent = {
  type: oneOf(...providerTypes),
  account_name: cloudNames.storageAccount(),
  bucket: cloudNames.bucket('The bucket.'),
  container: cloudNames.container(),
  region: cloudNames.ociRegion(),
  resource_group: cloudNames.resourceGroup(),
  role_arn: cloudNames.roleArn(),
  subscription_id: cloudNames.subscriptionId(),
  tenancy_ocid: cloudNames.ociTenancy(),
  tenant_id: cloudNames.tenantId(),
  workload_identity_pool_id: cloudNames.identityPool(),
  workload_identity_project_number: cloudNames.projectNumber(),
  workload_identity_provider_id: cloudNames.identityProvider(),
}

/** One flat schema for all forms, so that an error can say what was expected. */
const flat = (properties: object, description: string) => ({
  type: 'object',
  properties,
  required: ['type'],
  additionalProperties: false,
  description,
})

const text = (description: string) => t.String({ description })

export const ExternalStorage = object(
  'organization.external_storage',
  {
    id: id('extstorage_'),
    project_id: t.String(),
    created_at: time(),
    geography: text('Derived from the region, where it is known; else `unknown`.'),
    status: {
      ...oneOf('pending', 'validated', 'degraded', 'unhealthy'),
      description: 'Always `pending`: Keyhall asks no provider, so nothing was validated.',
    },
    provider: t.Unsafe<ShownProvider>(
      flat(
        {
          ...sent,
          region: text('As given; `unknown` where only the provider knows it.'),
          account_id: text('The AWS account of the role.'),
          external_id: text('The project.'),
          audience: text('The project.'),
        },
        'The members that were sent, and those that follow from them.',
      ),
    ),
  },
  'The name of storage at a cloud provider, and how to reach it. Keyhall keeps it and stores nothing there.',
)

const path = '/organization/external_storage'
const one = `${path}/{external_storage_id}` as const
const { after, limit } = cursor()

export const externalStorage = {
  list: get(path, {
    about: 'Lists the external storage of the organization, newest first.',
    can: 'api.management.read',
    query: {
      after: optional(nullable(after)),
      limit,
      order: order('desc'),
      project_id: optional(nullable(anyId('Only storage of this project.'))),
    },
    returns: list(ExternalStorage),
  }),
  create: post(path, {
    about: 'Registers external storage for a project. The form of its members is checked, the provider not asked.',
    can: 'api.management.write',
    audit: 'external_storage.registered',
    body: {
      project_id: anyId(),
      provider: t.Unsafe<SentProvider>(flat(sent, 'The members are those of its type.')),
    },
    returns: ExternalStorage,
  }),
  retrieve: get(one, {
    about: 'Retrieves external storage.',
    can: 'api.management.read',
    returns: ExternalStorage,
  }),
  delete: del(one, {
    about:
      'Removes external storage from the registry; nothing happens at the provider. Removing it again is no error.',
    can: 'api.management.write',
    audit: 'external_storage.removed',
    returns: deleted('organization.external_storage'),
  }),
  validate: post(`${one}/validate`, {
    about:
      'Is always refused with `provider_not_asked`: Keyhall calls no cloud provider, so it cannot say more than create.',
    can: 'api.management.write',
    unaudited: 'It changes nothing.',
    returns: ExternalStorage,
  }),
}
