/**
 * How each operation is called with success: what must exist before, and what then to send. An
 * operation without a recipe is a type error.
 */
import { certificates } from './certificate-recipes.ts'
import type { contract, OperationName } from '../contract/index.ts'
import {
  leaveRoomForProvider,
  make,
  newAdminKey,
  newGroup,
  newIdentityProvider,
  newInvite,
  newInviteToken,
  newPerson,
  newProject,
  newRole,
  newServiceAccount,
  unique,
  uniqueEmail,
} from './made.ts'
import { projects } from './project-recipes.ts'
import { registries } from './registry-recipes.ts'
import { alert, nothing, threshold, type Ready, type Recipe, type Recipes } from './recipe.ts'
import { people } from './session-recipes.ts'
import type { Tenant } from './setup.ts'

const adminKey = async (tenant: Tenant) => ({ params: { key_id: (await newAdminKey(tenant)).id } })

const report: Recipe<any> = { prepare: async () => ({ params: {}, query: { start_time: '1790000000' } }), events: {} }

const limited = async (tenant: Tenant) => {
  await make(tenant, '/organization/spend_limit', threshold)
  return { params: {} }
}

const spendAlert = async (tenant: Tenant) => ({
  params: { alert_id: (await make(tenant, '/organization/spend_alerts', alert)).id },
})

const oidc = { name: 'CI', type: 'oidc', issuer: 'https://issuer.example.com', audience: 'keyhall' } as const

const provider = async (tenant: Tenant) => ({
  params: { workload_identity_provider_id: await newIdentityProvider(tenant, oidc) },
})

const ruleBody = async (tenant: Tenant) => {
  const { project_id, id: service_account_id } = await newServiceAccount(tenant)
  return { attribute_matchers: { sub: 'job' }, project_id, service_account_id }
}

const federationRule = async (tenant: Tenant) => {
  const { params } = await provider(tenant)
  const path = `/organization/workload_identity_providers/${params.workload_identity_provider_id}/federation_rules`
  const { id } = await make(tenant, path, await ruleBody(tenant))
  return { params: { ...params, workload_identity_federation_rule_id: id } }
}

const group = async (tenant: Tenant) => ({ params: { group_id: (await newGroup(tenant)).id } })

const role = async (tenant: Tenant) => ({ params: { role_id: (await newRole(tenant)).id } })

const invite = async (tenant: Tenant) => ({ params: { invite_id: (await newInvite(tenant)).id } })

const groupMember = async (tenant: Tenant) => {
  const { params } = await group(tenant)
  const user_id = await newPerson(tenant)
  await make(tenant, `/organization/groups/${params.group_id}/users`, { user_id })
  return { params: { ...params, user_id } }
}

const heldByPerson = async (tenant: Tenant) => {
  const user_id = await newPerson(tenant)
  const { id: role_id } = await newRole(tenant)
  await make(tenant, `/organization/users/${user_id}/roles`, { role_id })
  return { params: { user_id, role_id } }
}

const heldRole = async (tenant: Tenant) => {
  const { params } = await heldByPerson(tenant)
  return { params: { role_id: params.role_id } }
}

const heldByGroup = async (tenant: Tenant) => {
  const { params } = await group(tenant)
  const { id: role_id } = await newRole(tenant)
  await make(tenant, `/organization/groups/${params.group_id}/roles`, { role_id })
  return { params: { ...params, role_id } }
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
  auditLogs: {
    list: { prepare: nothing, events: {} },
    chain: { retrieve: { prepare: nothing, events: {} } },
  },
  apiKeys: { list: { prepare: nothing, events: {} } },
  users: {
    list: { prepare: nothing, events: {} },
    retrieve: { prepare: async ({ owner_id }) => ({ params: { user_id: owner_id } }), events: {} },
    access: { retrieve: { prepare: async (tenant) => ({ params: { user_id: await newPerson(tenant) } }), events: {} } },
    update: {
      prepare: async (tenant) => ({ params: { user_id: await newPerson(tenant) }, body: { role: 'owner' } }),
      events: { 'user.updated': 1 },
    },
    delete: {
      prepare: async (tenant) => ({ params: { user_id: await newPerson(tenant) } }),
      events: { 'user.deleted': 1 },
    },
    roles: {
      list: { prepare: async (tenant) => ({ params: { user_id: await newPerson(tenant) } }), events: {} },
      create: {
        prepare: async (tenant) => ({
          params: { user_id: await newPerson(tenant) },
          body: { role_id: (await newRole(tenant)).id },
        }),
        events: { 'role.assignment.created': 1 },
      },
      retrieve: { prepare: heldByPerson, events: {} },
      delete: { prepare: heldByPerson, events: { 'role.assignment.deleted': 1 } },
    },
  },
  invites: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async (tenant) => ({
        params: {},
        body: {
          email: uniqueEmail(),
          role: 'reader' as const,
          projects: [{ id: (await newProject(tenant)).id, role: 'member' as const }],
        },
      }),
      events: { 'invite.sent': 1 },
    },
    retrieve: { prepare: invite, events: {} },
    delete: { prepare: invite, events: { 'invite.deleted': 1 } },
    accept: {
      prepare: async (tenant) => ({ params: {}, body: { token: await newInviteToken(tenant), name: 'Ann' } }),
      events: { 'invite.accepted': 1, 'user.added': 1 },
    },
  },
  groups: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async () => ({ params: {}, body: { name: unique('Research') } }),
      events: { 'group.created': 1 },
    },
    retrieve: { prepare: group, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await group(tenant)), body: { name: unique('Renamed') } }),
      events: { 'group.updated': 1 },
    },
    delete: { prepare: group, events: { 'group.deleted': 1 } },
    users: {
      list: { prepare: group, events: {} },
      create: {
        prepare: async (tenant) => ({ ...(await group(tenant)), body: { user_id: await newPerson(tenant) } }),
        events: { 'tenant.group.member.added': 1 },
      },
      retrieve: { prepare: groupMember, events: {} },
      delete: { prepare: groupMember, events: { 'tenant.group.member.removed': 1 } },
    },
    roles: {
      list: { prepare: group, events: {} },
      create: {
        prepare: async (tenant) => ({ ...(await group(tenant)), body: { role_id: (await newRole(tenant)).id } }),
        events: { 'role.assignment.created': 1 },
      },
      retrieve: { prepare: heldByGroup, events: {} },
      delete: { prepare: heldByGroup, events: { 'role.assignment.deleted': 1 } },
    },
  },
  usage: {
    completions: report,
    decisions: report,
    embeddings: report,
    moderations: report,
    images: report,
    audioSpeeches: report,
    audioTranscriptions: report,
    vectorStores: report,
    codeInterpreterSessions: report,
    fileSearchCalls: report,
    webSearchCalls: report,
    costs: report,
  },
  ...people,
  server: { retrieve: { prepare: nothing, events: {} } },
  dataRetention: {
    retrieve: { prepare: nothing, events: {} },
    update: {
      prepare: async (tenant) => {
        await make(tenant, '/organization/data_retention', { retention_type: 'modified_abuse_monitoring' })
        return { params: {}, body: { retention_type: 'enhanced_zero_data_retention' } }
      },
      events: { 'tenant.policy.updated': 1 },
    },
  },
  ...registries,
  spendLimit: {
    retrieve: { prepare: limited, events: {} },
    update: {
      prepare: async () => ({ params: {}, body: threshold }),
      events: { 'tenant.billing.overage_limit.updated': 1 },
    },
    delete: { prepare: limited, events: { 'tenant.billing.overage_limit.updated': 1 } },
  },
  spendAlerts: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async () => ({ params: {}, body: alert }),
      events: { 'tenant.billing.alerts.updated': 1 },
    },
    retrieve: { prepare: spendAlert, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await spendAlert(tenant)), body: { ...alert, threshold_amount: 7000 } }),
      events: { 'tenant.billing.alerts.updated': 1 },
    },
    delete: { prepare: spendAlert, events: { 'tenant.billing.alerts.updated': 1 } },
  },
  certificates,
  workloadIdentityProviders: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async (tenant) => {
        await leaveRoomForProvider(tenant)
        return { params: {}, body: { ...oidc, description: 'Continuous integration' } }
      },
      events: { 'workload_identity_provider.created': 1 },
    },
    retrieve: { prepare: provider, events: {} },
    update: {
      prepare: async (tenant) => ({
        ...(await provider(tenant)),
        body: { attribute_transformations: [{ attribute: 'branch', expression: 'assertion.ref' }] },
      }),
      events: { 'workload_identity_provider.updated': 1 },
    },
    delete: { prepare: provider, events: { 'workload_identity_provider.deleted': 1 } },
    federationRules: {
      list: { prepare: provider, events: {} },
      create: {
        prepare: async (tenant) => ({ ...(await provider(tenant)), body: await ruleBody(tenant) }),
        events: { 'workload_identity_provider_mapping.created': 1 },
      },
      retrieve: { prepare: federationRule, events: {} },
      update: {
        prepare: async (tenant) => ({
          ...(await federationRule(tenant)),
          body: { permissions: { type: 'restricted', scopes: ['api.model.request'] } },
        }),
        events: { 'workload_identity_provider_mapping.updated': 1 },
      },
      delete: { prepare: federationRule, events: { 'workload_identity_provider_mapping.deleted': 1 } },
    },
  },
  roles: {
    list: { prepare: nothing, events: {} },
    create: {
      prepare: async () => ({ params: {}, body: { role_name: unique('Auditor'), permissions: ['api.usage.read'] } }),
      events: { 'role.created': 1 },
    },
    retrieve: { prepare: role, events: {} },
    update: {
      prepare: async (tenant) => ({ ...(await role(tenant)), body: { permissions: [], description: 'Nothing yet' } }),
      events: { 'role.updated': 1 },
    },
    delete: { prepare: role, events: { 'role.deleted': 1 } },
    holders: { list: { prepare: heldRole, events: {} } },
  },
  projects,
}

/** The recipe of an operation, by its name in the contract. */
export const recipe = (name: string): Omit<Recipe, 'prepare'> & { prepare: (tenant: Tenant) => Promise<Ready> } =>
  (name as OperationName).split('.').reduce<any>((node, key) => node[key], tree)
