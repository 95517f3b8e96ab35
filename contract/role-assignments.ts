/**
 * Roles held by people, groups and service accounts, in the organization and in a project: one
 * template, four instances.
 */
import { AssignedGroup } from './groups.ts'
import {
  anyId,
  anyObject,
  cursor,
  del,
  deletedMembership,
  get,
  id,
  next,
  nullable,
  object,
  order,
  post,
  t,
  time,
  type TSchema,
  reachingProjects,
} from './kit.ts'
import { Role } from './roles.ts'
import { User } from './users.ts'

/** A role in the list of a holder, with where it comes from. */
export const AssignedRole = t.Object({
  id: id('role_'),
  name: t.String(),
  description: nullable(t.String()),
  permissions: t.Array(t.String()),
  resource_type: t.String(),
  predefined_role: t.Boolean(),
  created_at: nullable(time()),
  updated_at: nullable(time()),
  created_by: nullable(t.String()),
  created_by_user_obj: nullable(anyObject()),
  metadata: nullable(anyObject()),
  assignment_sources: nullable(
    t.Array(t.Object({ principal_id: t.String(), principal_type: t.String() }), {
      description: 'Where an inherited role comes from; null for a role that is held only directly.',
    }),
  ),
})

const assignmentsAt = <const Path extends string, const Name extends string, Principal extends TSchema>(
  path: Path,
  name: Name,
  principal: { [Key in Name]: Principal },
  who: string,
) => ({
  list: get(path, {
    about: `Lists the roles that ${who} holds, also through groups.`,
    can: 'api.management.read',
    query: { ...cursor(1000, 1000, 0), order: order('asc') },
    returns: next(AssignedRole),
  }),
  create: post(path, {
    about: `Gives ${who} a role. One that is held already changes nothing.`,
    can: 'api.management.write',
    audit: 'role.assignment.created',
    body: { role_id: anyId() },
    returns: object(`${name}.role`, { ...principal, role: Role }),
  }),
  retrieve: get(`${path}/{role_id}`, {
    about: `Retrieves a role that ${who} holds.`,
    can: 'api.management.read',
    returns: AssignedRole,
  }),
  delete: del(`${path}/{role_id}`, {
    about: `Takes from ${who} a role held directly.`,
    can: 'api.management.write',
    audit: 'role.assignment.deleted',
    returns: deletedMembership(`${name}.role`),
  }),
})

const user = { user: User }
const group = { group: AssignedGroup }

export const userRoles = assignmentsAt('/organization/users/{user_id}/roles', 'user', user, 'a person')
export const groupRoles = assignmentsAt('/organization/groups/{group_id}/roles', 'group', group, 'a group')
export const projectUserRoles = reachingProjects(
  assignmentsAt(
    '/projects/{project_id}/users/{user_id}/roles',
    'user',
    user,
    'a person or a service account in a project',
  ),
)
export const projectGroupRoles = reachingProjects(
  assignmentsAt('/projects/{project_id}/groups/{group_id}/roles', 'group', group, 'a group in a project'),
)
