/** Changes of roles, and of who holds them. */
import * as fc from 'fast-check'
import {
  ok,
  missing,
  refused,
  roleId,
  command,
  resource,
  holding,
  canHold,
  isKnown,
  isArchived,
  rolesPath,
  holderPath,
} from './command.ts'
import { permissionOf } from './organization.ts'

export const roleCommands = [
  command('assign', { holding }, ({ holding: { holder, resource, role } }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      if (!canHold(o, resource, holder) || !isKnown(o, resource, role)) return missing
      const given = o.give(resource, holder, role)
      return ok(given ? { 'role.assignment.created': 1 } : {})
    },
    real: (r) =>
      r.ask('POST', `${rolesPath(r, resource)}/${holderPath(r, holder)}/roles`, {
        role_id: roleId(r, resource === 'organization' ? 'organization' : 'project', role),
      }),
  })),
  command('unassign', { holding }, ({ holding: { holder, resource, role } }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (isArchived(o, resource)) return refused
        if (!canHold(o, resource, holder) || !isKnown(o, resource, role)) return missing
        const taken = o.take(resource, holder, role)
        return taken.length === 0 ? missing : ok({ 'role.assignment.deleted': 1 })
      }),
    real: (r) =>
      r.ask(
        'DELETE',
        `${rolesPath(r, resource)}/${holderPath(r, holder)}/roles/${roleId(r, resource === 'organization' ? 'organization' : 'project', role)}`,
      ),
  })),
  command('create role', { resource }, ({ resource }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      const role = `r${o.made.roles++}`
      o.roles.set(resource, (o.roles.get(resource) ?? new Set()).add(role))
      return ok({ 'role.created': 1 })
    },
    real: (r) =>
      r.ask('POST', `${rolesPath(r, resource)}/roles`, {
        role_name: `Role ${r.roles.length}`,
        permissions: [permissionOf(`r${r.roles.length}`)],
      }),
    made: [{ list: 'roles', id: (json) => json.id }],
  })),
  command('delete role', { resource, role: fc.constantFrom('r0', 'r1') }, ({ resource, role }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      if (!o.roles.get(resource)?.delete(role)) return missing
      for (const principal of o.held.get(resource)?.keys() ?? []) o.take(resource, principal, role)
      return ok({ 'role.deleted': 1 })
    },
    real: (r) => r.ask('DELETE', `${rolesPath(r, resource)}/roles/${roleId(r, 'project', role)}`),
  })),
]
