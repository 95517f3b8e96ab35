/** The contract joined to its handlers, in the same tree; a handler that is missing is a type error. */
import { contract, isOperation, type Tree } from '../contract/index.ts'
import type { Operation } from '../contract/kit.ts'
import type { AnyImplemented, Implemented } from './call.ts'
import adminApiKeys from './resources/admin-api-keys.ts'
import apiKeys from './resources/api-keys.ts'
import auditLogs from './resources/audit-logs.ts'
import groups from './resources/groups.ts'
import groupUsers from './resources/group-users.ts'
import invites from './resources/invites.ts'
import projectApiKeys from './resources/project-api-keys.ts'
import projectGroups from './resources/project-groups.ts'
import projectServiceAccounts, { serviceAccountApiKeys } from './resources/project-service-accounts.ts'
import projects from './resources/projects.ts'
import projectUsers from './resources/project-users.ts'
import {
  groupRoleHandlers,
  projectGroupRoleHandlers,
  projectUserRoleHandlers,
  userRoleHandlers,
} from './resources/role-assignments.ts'
import roles, { projectRoleHandlers } from './resources/roles.ts'
import users from './resources/users.ts'

type Implementation<Node> = Node extends Operation
  ? Implemented<Node>
  : { [Name in keyof Node]: Implementation<Node[Name]> }

const implementation: Implementation<typeof contract.admin.organization> = {
  adminAPIKeys: adminApiKeys,
  auditLogs,
  apiKeys,
  users: { ...users, roles: userRoleHandlers },
  invites,
  groups: { ...groups, users: groupUsers, roles: groupRoleHandlers },
  roles,
  projects: {
    ...projects,
    users: { ...projectUsers, roles: projectUserRoleHandlers },
    groups: { ...projectGroups, roles: projectGroupRoleHandlers },
    roles: projectRoleHandlers,
    apiKeys: projectApiKeys,
    serviceAccounts: { ...projectServiceAccounts, apiKeys: serviceAccountApiKeys },
  },
}

export interface Endpoint {
  /** As in the SDK: `projects.apiKeys.list`. */
  name: string
  operation: Operation
  implemented: AnyImplemented
}

/** Every operation with what carries it out. */
export const endpoints: readonly Endpoint[] = join(contract.admin.organization, implementation, [])

interface ImplementationTree {
  [name: string]: ImplementationTree | AnyImplemented
}

function join(tree: Tree, implementations: ImplementationTree, path: string[]): Endpoint[] {
  return Object.entries(tree).flatMap(([key, node]) => {
    const here = [...path, key]
    const implemented = implementations[key]!
    return isOperation(node)
      ? [{ name: here.join('.'), operation: node, implemented: implemented as AnyImplemented }]
      : join(node, implemented as ImplementationTree, here)
  })
}
