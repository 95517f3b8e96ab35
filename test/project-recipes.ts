/** How each operation on projects and what is in them is called with success. */
import type { contract } from '../contract/index.ts'
import { make, newCertificate, newGroup, newPerson, newProject, newServiceAccount } from './made.ts'
import { alert, nothing, threshold, type Recipes } from './recipe.ts'
import { projectIpAllowlists } from './registry-recipes.ts'
import { RECIPE_MODEL, type Tenant } from './setup.ts'

const project = async (tenant: Tenant) => ({ params: { project_id: (await newProject(tenant)).id } })

const apiKey = async (tenant: Tenant) => {
  const { project_id, api_key } = await newServiceAccount(tenant)
  return { params: { project_id, api_key_id: api_key.id } }
}

const serviceAccount = async (tenant: Tenant) => {
  const { project_id, id } = await newServiceAccount(tenant)
  return { params: { project_id, service_account_id: id } }
}

const limitedProject = async (tenant: Tenant) => {
  const { params } = await project(tenant)
  await make(tenant, `/organization/projects/${params.project_id}/spend_limit`, threshold)
  return { params }
}

const projectSpendAlert = async (tenant: Tenant) => {
  const { params } = await project(tenant)
  const { id } = await make(tenant, `/organization/projects/${params.project_id}/spend_alerts`, alert)
  return { params: { ...params, alert_id: id } }
}

const allowed = { mode: 'allow_list', model_ids: [RECIPE_MODEL] } as const

const withModelPermissions = async (tenant: Tenant) => {
  const { params } = await project(tenant)
  await make(tenant, `/organization/projects/${params.project_id}/model_permissions`, allowed)
  return { params }
}

const withCertificate = async (tenant: Tenant) => {
  const { params } = await project(tenant)
  const body = { certificate_ids: [await newCertificate(tenant)] }
  await make(tenant, `/organization/projects/${params.project_id}/certificates/activate`, body)
  return { params, body }
}

const projectUser = async (tenant: Tenant) => {
  const { id: project_id } = await newProject(tenant)
  const user_id = await newPerson(tenant)
  await make(tenant, `/organization/projects/${project_id}/users`, { user_id, role: 'member' })
  return { params: { project_id, user_id } }
}

const projectGroup = async (tenant: Tenant) => {
  const { id: project_id } = await newProject(tenant)
  const { id: group_id } = await newGroup(tenant)
  await make(tenant, `/organization/projects/${project_id}/groups`, { group_id, role: 'role-api-project-member' })
  return { params: { project_id, group_id } }
}

const projectRole = async (tenant: Tenant) => {
  const { id: project_id } = await newProject(tenant)
  const body = { role_name: 'Recipe', permissions: ['api.model.read'] }
  const { id: role_id } = await make(tenant, `/projects/${project_id}/roles`, body)
  return { params: { project_id, role_id } }
}

/** The role that a member was added with. */
const heldInProject =
  <Held extends { params: { project_id: string } }>(prepare: (tenant: Tenant) => Promise<Held>) =>
  async (tenant: Tenant) => {
    const { params } = await prepare(tenant)
    const role_id = `role-api-project-member__api-project__${params.project_id}`
    return { params: { ...(params as Held['params']), role_id } }
  }

export const projects: Recipes<typeof contract.admin.organization.projects> = {
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
  users: {
    list: { prepare: project, events: {} },
    create: {
      prepare: async (tenant) => ({
        ...(await project(tenant)),
        body: { user_id: await newPerson(tenant), role: 'member' },
      }),
      events: { 'user.added': 1 },
    },
    retrieve: { prepare: projectUser, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await projectUser(tenant)), body: { role: 'owner' } }),
      events: { 'user.updated': 1 },
    },
    delete: { prepare: projectUser, events: { 'user.deleted': 1 } },
    roles: {
      list: { prepare: projectUser, events: {} },
      create: {
        prepare: async (tenant) => ({
          ...(await projectUser(tenant)),
          body: { role_id: 'role-api-project-viewer' },
        }),
        events: { 'role.assignment.created': 1 },
      },
      retrieve: { prepare: heldInProject(projectUser), events: {} },
      delete: { prepare: heldInProject(projectUser), events: { 'role.assignment.deleted': 1 } },
    },
  },
  groups: {
    list: { prepare: project, events: {} },
    create: {
      prepare: async (tenant) => ({
        ...(await project(tenant)),
        body: { group_id: (await newGroup(tenant)).id, role: 'role-api-project-member' },
      }),
      events: { 'role.assignment.created': 1 },
    },
    retrieve: { prepare: projectGroup, events: {} },
    delete: { prepare: projectGroup, events: { 'role.assignment.deleted': 1 } },
    roles: {
      list: { prepare: projectGroup, events: {} },
      create: {
        prepare: async (tenant) => ({
          ...(await projectGroup(tenant)),
          body: { role_id: 'role-api-project-viewer' },
        }),
        events: { 'role.assignment.created': 1 },
      },
      retrieve: { prepare: heldInProject(projectGroup), events: {} },
      delete: { prepare: heldInProject(projectGroup), events: { 'role.assignment.deleted': 1 } },
    },
  },
  roles: {
    list: { prepare: project, events: {} },
    create: {
      prepare: async (tenant) => ({
        ...(await project(tenant)),
        body: { role_name: 'Prompter', permissions: ['api.model.request'], description: 'Asks models' },
      }),
      events: { 'role.created': 1 },
    },
    retrieve: { prepare: projectRole, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await projectRole(tenant)), body: { role_name: 'Renamed' } }),
      events: { 'role.updated': 1 },
    },
    delete: { prepare: projectRole, events: { 'role.deleted': 1 } },
    holders: { list: { prepare: projectRole, events: {} } },
  },
  rateLimits: {
    listRateLimits: { prepare: project, events: {} },
    updateRateLimit: {
      prepare: async (tenant) => {
        const { params } = await project(tenant)
        return {
          params: { ...params, rate_limit_id: `rl-${RECIPE_MODEL}` },
          body: { max_requests_per_1_minute: 60 },
        }
      },
      events: { 'rate_limit.updated': 1 },
    },
  },
  modelPermissions: {
    retrieve: { prepare: withModelPermissions, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: { ...allowed, model_ids: [RECIPE_MODEL] } }),
      events: { 'tenant.product_access_policy.updated': 1 },
    },
    delete: { prepare: withModelPermissions, events: { 'tenant.product_access_policy.updated': 1 } },
  },
  hostedToolPermissions: {
    retrieve: { prepare: project, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: { mcp: { enabled: false } } }),
      events: { 'tenant.product_access_policy.updated': 1 },
    },
  },
  serviceTierSettings: {
    retrieve: { prepare: project, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: { enabled_tiers: ['flex'] } }),
      events: { 'tenant.product_access_policy.updated': 1 },
    },
  },
  ipAllowlists: projectIpAllowlists,
  dataRetention: {
    retrieve: { prepare: project, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: { retention_type: 'zero_data_retention' } }),
      events: { 'tenant.policy.updated': 1 },
    },
  },
  certificates: {
    list: { prepare: project, events: {} },
    activate: {
      prepare: async (tenant) => ({
        ...(await project(tenant)),
        body: { certificate_ids: [await newCertificate(tenant)] },
      }),
      events: { 'certificates.activated': 1 },
    },
    deactivate: { prepare: withCertificate, events: { 'certificates.deactivated': 1 } },
  },
  spendLimit: {
    retrieve: { prepare: limitedProject, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: threshold }),
      events: { 'tenant.billing.overage_limit.updated': 1 },
    },
    delete: { prepare: limitedProject, events: { 'tenant.billing.overage_limit.updated': 1 } },
  },
  limits: { retrieve: { prepare: project, events: {} } },
  spendAlerts: {
    list: { prepare: project, events: {} },
    create: {
      prepare: async (tenant) => ({ ...(await project(tenant)), body: alert }),
      events: { 'tenant.billing.alerts.updated': 1 },
    },
    retrieve: { prepare: projectSpendAlert, events: {} },
    update: {
      prepare: async (tenant) => ({
        ...(await projectSpendAlert(tenant)),
        body: { ...alert, threshold_amount: 7000 },
      }),
      events: { 'tenant.billing.alerts.updated': 1 },
    },
    delete: { prepare: projectSpendAlert, events: { 'tenant.billing.alerts.updated': 1 } },
  },
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
    rotate: {
      prepare: async (tenant) => ({ ...(await apiKey(tenant)), body: { overlap_seconds: 60 } }),
      events: { 'api_key.created': 1, 'api_key.updated': 1 },
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
}
