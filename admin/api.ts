/** The contract joined to its handlers, in the same tree. A missing handler is a type error. */
import { contract, isOperation, type Tree } from '../contract/index.ts'
import type { Operation } from '../contract/kit.ts'
import type { AnyOperationHandler, OperationHandler } from './call.ts'
import adminApiKeys from './resources/admin-api-keys.ts'
import apiKeys from './resources/api-keys.ts'
import auditLogs, { auditChainHandlers } from './resources/audit-logs.ts'
import dataRetention, { projectDataRetentionHandlers } from './resources/data-retention.ts'
import certificates, { projectCertificateHandlers } from './resources/certificates.ts'
import externalKeys from './resources/external-keys.ts'
import externalStorage from './resources/external-storage.ts'
import federationRules from './resources/federation-rules.ts'
import groups from './resources/groups.ts'
import groupUsers from './resources/group-users.ts'
import invites from './resources/invites.ts'
import ipAllowlists, { projectIpAllowlistHandlers } from './resources/ip-allowlists.ts'
import me, { myApiKeyHandlers, myLimitHandlers } from './resources/me.ts'
import projectApiKeys from './resources/project-api-keys.ts'
import projectHostedTools from './resources/project-hosted-tools.ts'
import projectLimits from './resources/project-limit-use.ts'
import projectModelPermissions from './resources/project-model-permissions.ts'
import projectRateLimits from './resources/project-rate-limits.ts'
import projectGroups from './resources/project-groups.ts'
import projectServiceAccounts, { serviceAccountApiKeys } from './resources/project-service-accounts.ts'
import projectServiceTiers from './resources/project-service-tiers.ts'
import projects from './resources/projects.ts'
import projectUsers from './resources/project-users.ts'
import {
  groupRoleHandlers,
  projectGroupRoleHandlers,
  projectUserRoleHandlers,
  userRoleHandlers,
} from './resources/role-assignments.ts'
import roleHolders, { projectRoleHolderHandlers } from './resources/role-holders.ts'
import roles, { projectRoleHandlers } from './resources/roles.ts'
import server from './resources/server.ts'
import sessions, { sessionLinkHandlers } from './resources/sessions.ts'
import spendAlerts, { projectSpendAlertHandlers } from './resources/spend-alerts.ts'
import spendLimit, { projectSpendLimitHandlers } from './resources/spend-limits.ts'
import usage from './resources/usage.ts'
import userAccess from './resources/user-access.ts'
import users from './resources/users.ts'
import workloadIdentityProviders from './resources/workload-identity-providers.ts'

type Implementation<Node> = Node extends Operation
  ? OperationHandler<Node>
  : { [Name in keyof Node]: Implementation<Node[Name]> }

const implementation: Implementation<typeof contract.admin.organization> = {
  adminAPIKeys: adminApiKeys,
  auditLogs: { ...auditLogs, chain: auditChainHandlers },
  apiKeys,
  users: { ...users, roles: userRoleHandlers, access: userAccess },
  invites,
  groups: { ...groups, users: groupUsers, roles: groupRoleHandlers },
  roles: { ...roles, holders: roleHolders },
  usage,
  sessions: { ...sessions, links: sessionLinkHandlers },
  server,
  me: { ...me, apiKeys: myApiKeyHandlers, limits: myLimitHandlers },
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
    users: { ...projectUsers, roles: projectUserRoleHandlers },
    groups: { ...projectGroups, roles: projectGroupRoleHandlers },
    roles: { ...projectRoleHandlers, holders: projectRoleHolderHandlers },
    rateLimits: projectRateLimits,
    modelPermissions: projectModelPermissions,
    hostedToolPermissions: projectHostedTools,
    serviceTierSettings: projectServiceTiers,
    dataRetention: projectDataRetentionHandlers,
    ipAllowlists: projectIpAllowlistHandlers,
    spendLimit: projectSpendLimitHandlers,
    spendAlerts: projectSpendAlertHandlers,
    certificates: projectCertificateHandlers,
    limits: projectLimits,
    apiKeys: projectApiKeys,
    serviceAccounts: { ...projectServiceAccounts, apiKeys: serviceAccountApiKeys },
  },
}

export interface Endpoint {
  /** As in the SDK: `projects.apiKeys.list`. */
  name: string
  operation: Operation
  handler: AnyOperationHandler
}

/** Every operation with its handler. */
export const endpoints: readonly Endpoint[] = join(contract.admin.organization, implementation, [])

interface ImplementationTree {
  [name: string]: ImplementationTree | AnyOperationHandler
}

function join(tree: Tree, implementations: ImplementationTree, path: string[]): Endpoint[] {
  return Object.entries(tree).flatMap(([key, node]) => {
    const here = [...path, key]
    const found = implementations[key]!
    return isOperation(node)
      ? [{ name: here.join('.'), operation: node, handler: found as AnyOperationHandler }]
      : join(node, found as ImplementationTree, here)
  })
}
