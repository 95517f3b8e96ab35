/** How each operation on external keys and external storage is called with success. */
import type { contract } from '../contract/index.ts'
import { make, newProject } from './made.ts'
import { nothing, type Recipes } from './recipe.ts'
import type { Tenant } from './setup.ts'

const awsKey = (external_id: string) => ({
  name: 'Master key',
  type: 'aws' as const,
  external_id,
  kms_arn: 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f',
  role_arn: 'arn:aws:iam::123456789012:role/keyhall',
})

const externalKey = async (tenant: Tenant) => ({
  params: { external_key_id: (await make(tenant, '/organization/external_keys', awsKey(tenant.organization_id))).id },
})

const bucket = { type: 'aws', bucket: 'answers', role_arn: 'arn:aws:iam::123456789012:role/keyhall' } as const

const externalStorage = async (tenant: Tenant) => {
  const body = { project_id: (await newProject(tenant)).id, provider: bucket }
  return { params: { external_storage_id: (await make(tenant, '/organization/external_storage', body)).id } }
}

type Registries = Pick<typeof contract.admin.organization, 'externalKeys' | 'externalStorage'>

export const registries: Recipes<Registries> = {
  externalKeys: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async ({ organization_id }) => ({ params: {}, body: awsKey(organization_id) }),
      events: { 'external_key.registered': 1 },
    },
    retrieve: { prepare: externalKey, events: {} },
    delete: { prepare: externalKey, events: { 'external_key.removed': 1 } },
    validate: { prepare: externalKey, events: {}, refusal: 'provider_not_asked' },
  },
  externalStorage: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async (tenant) => ({
        params: {},
        body: { project_id: (await newProject(tenant)).id, provider: bucket },
      }),
      events: { 'external_storage.registered': 1 },
    },
    retrieve: { prepare: externalStorage, events: {} },
    delete: { prepare: externalStorage, events: { 'external_storage.removed': 1 } },
    validate: { prepare: externalStorage, events: {}, refusal: 'provider_not_asked' },
  },
}
