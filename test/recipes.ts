/** How each operation is called with success: what must exist before, and what then to send. An operation without a recipe is a type error. */
import { contract, type OperationName } from '../contract/index.ts'
import type { Body, Events, Operation, Params } from '../contract/kit.ts'
import type { Tenant } from './setup.ts'

/** What a call is made of. `params` are the ids of objects that exist and are the tenant's. */
export interface Ready {
  params: Record<string, string>
  body?: Record<string, unknown>
}

export interface Recipe<O extends Operation = Operation> {
  /** Makes what the call needs, through the API itself; each time anew, in a project of its own. */
  prepare: (tenant: Tenant) => Promise<{ params: Params<O>; body?: Body<O> }>
  /** Every audit event that the call leaves, and how many. */
  events: Partial<Record<Events<O>, number>>
}

type Recipes<Node> = Node extends Operation ? Recipe<Node> : { [Key in keyof Node]: Recipes<Node[Key]> }

const nothing = async () => ({ params: {} })
const project = async (tenant: Tenant) => ({ params: { project_id: (await newProject(tenant)).id } })
const adminKey = async (tenant: Tenant) => ({ params: { key_id: (await newAdminKey(tenant)).id } })
const apiKey = async (tenant: Tenant) => {
  const { project_id, api_key } = await newServiceAccount(tenant)
  return { params: { project_id, api_key_id: api_key.id } }
}
const serviceAccount = async (tenant: Tenant) => {
  const { project_id, id } = await newServiceAccount(tenant)
  return { params: { project_id, service_account_id: id } }
}

const tree: Recipes<typeof contract.admin.organization> = {
  adminAPIKeys: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async () => ({ params: {}, body: { name: 'Deployments', expires_in_seconds: 3600 } }),
      events: { 'api_key.created': 1 },
    },
    retrieve: { prepare: adminKey, events: {} },
    delete: { prepare: adminKey, events: { 'api_key.deleted': 1 } },
  },
  users: {
    list: { prepare: nothing, events: {} },
    retrieve: { prepare: async ({ owner_id }) => ({ params: { user_id: owner_id } }), events: {} },
  },
  projects: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async () => ({ params: {}, body: { name: 'Search', residency: 'EU_STORAGE_PROCESSING' } }),
      events: { 'project.created': 1 },
    },
    retrieve: { prepare: project, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: { name: 'Search, renamed' } }),
      events: { 'project.updated': 1 },
    },
    archive: { prepare: project, events: { 'project.archived': 1 } },
    apiKeys: {
      list: { prepare: project, events: {} },
      create: {
        prepare: async (tenant) => ({
          ...(await project(tenant)),
          body: { name: 'Laptop', user_id: tenant.owner_id, scopes: ['api.model.request'], expires_in_seconds: 3600 },
        }),
        events: { 'api_key.created': 1 },
      },
      retrieve: { prepare: apiKey, events: {} },
      update: {
        prepare: async (tenant) => ({ ...(await apiKey(tenant)), body: { scopes: ['api.all.read'] } }),
        events: { 'api_key.updated': 1 },
      },
      delete: { prepare: apiKey, events: { 'api_key.deleted': 1 } },
    },
    serviceAccounts: {
      list: { prepare: project, events: {} },
      create: {
        prepare: async (tenant) => ({ ...(await project(tenant)), body: { name: 'Nightly job' } }),
        events: { 'service_account.created': 1, 'api_key.created': 1 },
      },
      retrieve: { prepare: serviceAccount, events: {} },
      update: {
        prepare: async (tenant) => ({ ...(await serviceAccount(tenant)), body: { role: 'owner' } }),
        events: { 'service_account.updated': 1 },
      },
      delete: { prepare: serviceAccount, events: { 'service_account.deleted': 1, 'api_key.deleted': 1 } },
      apiKeys: {
        create: {
          prepare: async (tenant) => ({ ...(await serviceAccount(tenant)), body: { name: 'Second key' } }),
          events: { 'api_key.created': 1 },
        },
      },
    },
  },
}

/** The recipe of an operation, by its name in the contract. */
export const recipe = (name: string): Omit<Recipe, 'prepare'> & { prepare: (tenant: Tenant) => Promise<Ready> } =>
  (name as OperationName).split('.').reduce<any>((node, key) => node[key], tree)

async function make<Made = { id: string }>(tenant: Tenant, path: string, body: unknown): Promise<Made> {
  const response = await tenant.request('POST', path, body)
  const answer = await response.json()
  if (response.status !== 200) throw new Error(`POST ${path} answered ${JSON.stringify(answer)}`)
  return answer as Made
}

export const newProject = (tenant: Tenant, body: object = { name: 'Recipe' }) =>
  make(tenant, '/organization/projects', body)

export const newAdminKey = (tenant: Tenant, body: object = {}) =>
  make<{ id: string; value: string }>(tenant, '/organization/admin_api_keys', { name: 'Recipe', ...body })

/** A service account with a key, in a project of its own. */
export async function newServiceAccount(tenant: Tenant) {
  const { id: project_id } = await newProject(tenant)
  const path = `/organization/projects/${project_id}/service_accounts`
  const made = await make<{ id: string; api_key: { id: string; value: string } }>(tenant, path, { name: 'Recipe' })
  return { ...made, project_id }
}
