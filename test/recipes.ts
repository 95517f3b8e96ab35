/** How each operation is called with success: what must exist before, and what then to send. An operation without a recipe is a type error. */
import { contract, type OperationName } from '../contract/index.ts'
import type { Body, Events, Operation, Params } from '../contract/kit.ts'
import {
  make,
  newAdminKey,
  newGroup,
  newInvite,
  newInviteToken,
  newPerson,
  newProject,
  newRole,
  newServiceAccount,
  unique,
  uniqueEmail,
} from './made.ts'
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
const heldByGroup = async (tenant: Tenant) => {
  const { params } = await group(tenant)
  const { id: role_id } = await newRole(tenant)
  await make(tenant, `/organization/groups/${params.group_id}/roles`, { role_id })
  return { params: { ...params, role_id } }
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
  auditLogs: { list: { prepare: nothing, events: {} } },
  apiKeys: { list: { prepare: nothing, events: {} } },
  users: {
    list: { prepare: nothing, events: {} },
    retrieve: { prepare: async ({ owner_id }) => ({ params: { user_id: owner_id } }), events: {} },
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
