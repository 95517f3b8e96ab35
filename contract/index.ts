/**
 * The whole contract as one tree, shaped and named like the official SDK:
 * `contract.admin.organization.projects.apiKeys.list`.
 */
import { adminApiKeys } from './admin-api-keys.ts'
import { apiKeys } from './api-keys.ts'
import { auditChain, auditLogs } from './audit-logs.ts'
import { dataRetention, projectDataRetention } from './data-retention.ts'
import { certificates, projectCertificates } from './certificates.ts'
import { externalKeys } from './external-keys.ts'
import { externalStorage } from './external-storage.ts'
import { federationRules } from './federation-rules.ts'
import { groups } from './groups.ts'
import { groupUsers } from './group-users.ts'
import { invites } from './invites.ts'
import { ipAllowlists, projectIpAllowlists } from './ip-allowlists.ts'
import type { Operation } from './kit.ts'
import { me, myApiKeys, myLimits } from './me.ts'
import { projectApiKeys } from './project-api-keys.ts'
import { projectServiceAccounts, serviceAccountApiKeys } from './project-service-accounts.ts'
import { projectGroups } from './project-groups.ts'
import { projectHostedTools } from './project-hosted-tools.ts'
import { projectLimits } from './project-limit-use.ts'
import { projectModelPermissions } from './project-model-permissions.ts'
import { projectRateLimits } from './project-rate-limits.ts'
import { projectServiceTiers } from './project-service-tiers.ts'
import { projects } from './projects.ts'
import { projectUsers } from './project-users.ts'
import { groupRoles, projectGroupRoles, projectUserRoles, userRoles } from './role-assignments.ts'
import { projectRoleHolders, roleHolders } from './role-holders.ts'
import { projectRoles, roles } from './roles.ts'
import { server } from './server.ts'
import { sessionLinks, sessions } from './sessions.ts'
import { projectSpendAlerts, spendAlerts } from './spend-alerts.ts'
import { projectSpendLimit, spendLimit } from './spend-limits.ts'
import { usage } from './usage.ts'
import { userAccess } from './user-access.ts'
import { users } from './users.ts'
import { workloadIdentityProviders } from './workload-identity-providers.ts'

export const contract = {
  admin: {
    organization: {
      adminAPIKeys: adminApiKeys,
      auditLogs: { ...auditLogs, chain: auditChain },
      apiKeys,
      users: { ...users, roles: userRoles, access: userAccess },
      invites,
      groups: { ...groups, users: groupUsers, roles: groupRoles },
      roles: { ...roles, holders: roleHolders },
      usage,
      sessions: { ...sessions, links: sessionLinks },
      server,
      me: { ...me, apiKeys: myApiKeys, limits: myLimits },
      dataRetention,
      externalKeys,
      externalStorage,
      ipAllowlists,
      spendLimit,
      spendAlerts,
      certificates,
      workloadIdentityProviders: { ...workloadIdentityProviders, federationRules },
      projects: {
        ...projects,
        users: { ...projectUsers, roles: projectUserRoles },
        groups: { ...projectGroups, roles: projectGroupRoles },
        roles: { ...projectRoles, holders: projectRoleHolders },
        rateLimits: projectRateLimits,
        modelPermissions: projectModelPermissions,
        hostedToolPermissions: projectHostedTools,
        serviceTierSettings: projectServiceTiers,
        dataRetention: projectDataRetention,
        ipAllowlists: projectIpAllowlists,
        spendLimit: projectSpendLimit,
        spendAlerts: projectSpendAlerts,
        certificates: projectCertificates,
        limits: projectLimits,
        apiKeys: projectApiKeys,
        serviceAccounts: { ...projectServiceAccounts, apiKeys: serviceAccountApiKeys },
      },
    },
  },
}

export interface Tree {
  [name: string]: Tree | Operation
}

export const isOperation = (node: Tree | Operation): node is Operation => typeof node.method === 'string'

/** The names of all operations: `projects.apiKeys.list`. */
export type OperationName<Node = typeof contract.admin.organization, Prefix extends string = ''> = {
  [Key in keyof Node & string]: Node[Key] extends Operation
    ? `${Prefix}${Key}`
    : OperationName<Node[Key], `${Prefix}${Key}.`>
}[keyof Node & string]

/**
 * Every operation with its name in the tree, `projects.apiKeys.list`, without the leading
 * `admin.organization`.
 */
export const operations: readonly { name: string; operation: Operation }[] = collect(contract.admin.organization, [])

function collect(tree: Tree, path: string[]): { name: string; operation: Operation }[] {
  return Object.entries(tree).flatMap(([key, node]) =>
    isOperation(node) ? [{ name: [...path, key].join('.'), operation: node }] : collect(node, [...path, key]),
  )
}
