/**
 * How each operation on external keys, external storage and IP allow lists is called with success.
 */
import type { contract } from '../contract/index.ts'
import { make, newProject, unique } from './made.ts'
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

/** The addresses of tests are in it. */
const allowed = () => ({ name: unique('Office'), allowed_ips: ['192.0.2.0/24', '2001:db8::/32'] })

const newAllowlist = async (tenant: Tenant) => (await make(tenant, '/organization/ip_allowlists', allowed())).id

const ipAllowlist = async (tenant: Tenant) => ({ params: { ip_allowlist_id: await newAllowlist(tenant) } })

/** A list that is not active, where another can be: few can be active at a time. */
async function allowlistToActivate(tenant: Tenant) {
  const path = '/organization/ip_allowlists'
  const list = await tenant.request('GET', `${path}?limit=100`)
  const { data } = (await list.json()) as { data: { id: string; active: boolean }[] }
  for (const { id } of data.filter(({ active }) => active))
    await make(tenant, `${path}/deactivate`, { ip_allowlist_ids: [id] })
  return { params: {}, body: { ip_allowlist_ids: [await newAllowlist(tenant)] } }
}

const projectAllowlist = async (tenant: Tenant) => ({
  params: { project_id: (await newProject(tenant)).id },
  body: { ip_allowlist_ids: [await newAllowlist(tenant)] },
})

export const projectIpAllowlists: Recipes<typeof contract.admin.organization.projects.ipAllowlists> = {
  list: { prepare: async (tenant) => ({ params: (await projectAllowlist(tenant)).params }), events: {} },
  activate: { prepare: projectAllowlist, events: { 'ip_allowlist.config.activated': 1 } },
  deactivate: {
    prepare: async (tenant) => {
      const { params, body } = await projectAllowlist(tenant)
      await make(tenant, `/organization/projects/${params.project_id}/ip_allowlists/activate`, body)
      return { params, body }
    },
    events: { 'ip_allowlist.config.deactivated': 1 },
  },
}

type Registries = Pick<typeof contract.admin.organization, 'externalKeys' | 'externalStorage' | 'ipAllowlists'>

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
  ipAllowlists: {
    list: { prepare: nothing, events: {} },
    create: { prepare: async () => ({ params: {}, body: allowed() }), events: { 'ip_allowlist.created': 1 } },
    retrieve: { prepare: ipAllowlist, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await ipAllowlist(tenant)), body: { allowed_ips: ['192.0.2.1'] } }),
      events: { 'ip_allowlist.updated': 1 },
    },
    delete: { prepare: ipAllowlist, events: { 'ip_allowlist.deleted': 1 } },
    activate: { prepare: allowlistToActivate, events: { 'ip_allowlist.config.activated': 1 } },
    deactivate: {
      prepare: async (tenant) => {
        const ready = await allowlistToActivate(tenant)
        await make(tenant, '/organization/ip_allowlists/activate', ready.body)
        return ready
      },
      events: { 'ip_allowlist.config.deactivated': 1 },
    },
  },
}
