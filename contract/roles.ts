/**
 * Roles: the built-in ones and custom ones, in the organization and, alike, in each project: one
 * template, two instances.
 */
import {
  cursor,
  del,
  deleted,
  get,
  id,
  name,
  next,
  nullable,
  object,
  optional,
  order,
  post,
  t,
  reachingProjects,
} from './kit.ts'
import { Permission } from './permissions.ts'

export const Role = object('role', {
  id: id('role_'),
  name: t.String(),
  description: nullable(t.String()),
  permissions: t.Array(t.String()),
  resource_type: t.String(),
  predefined_role: t.Boolean(),
})

const Permissions = t.Array(Permission, { maxItems: 500, uniqueItems: true })
const description = () => optional(nullable(t.String({ maxLength: 1000 })))

const rolesAt = <const Path extends string>(path: Path, where: string) => ({
  list: get(path, {
    about: `Lists the roles of ${where}: the built-in ones, then the custom ones in the order of their making.`,
    can: 'api.management.read',
    query: { ...cursor(1000, 1000, 0), order: order('asc') },
    returns: next(Role),
  }),
  create: post(path, {
    about: `Creates a custom role of ${where}.`,
    can: 'api.management.write',
    audit: 'role.created',
    body: { role_name: name(), permissions: Permissions, description: description() },
    returns: Role,
  }),
  retrieve: get(`${path}/{role_id}`, {
    about: `Retrieves a role of ${where}.`,
    can: 'api.management.read',
    returns: Role,
  }),
  update: post(`${path}/{role_id}`, {
    about: `Changes a custom role of ${where}. What is not given stays.`,
    can: 'api.management.write',
    audit: 'role.updated',
    body: {
      role_name: optional(name()),
      permissions: optional(Permissions),
      description: description(),
    },
    returns: Role,
  }),
  delete: del(`${path}/{role_id}`, {
    about: `Deletes a custom role of ${where}: whoever held it loses it.`,
    can: 'api.management.write',
    audit: 'role.deleted',
    returns: deleted('role'),
  }),
})

export const roles = rolesAt('/organization/roles', 'the organization')
export const projectRoles = reachingProjects(rolesAt('/projects/{project_id}/roles', 'a project'))
