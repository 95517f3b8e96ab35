/** The roles of the organization and, alike, those of a project. */
import { projectRoles, roles } from '../../contract/roles.ts'
import { handlers, type Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { revoke } from '../rules/assign.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { requireGrantable } from '../rules/require-grantable.ts'
import {
  requireCustom,
  findRole,
  pageOfRoles,
  presentRole,
  resourceOf,
  resourceType,
  requireFreeName,
} from '../shared/known-roles.ts'

const template: Handlers<typeof roles> = {
  list: (call) => pageOfRoles(call, resourceOf(call), presentRole),

  async create(call) {
    requireActive(call.project)
    const { role_name, permissions, description = null } = call.body
    const resource = resourceOf(call)
    await requireFreeName(call, resource, role_name)
    const id = call.newId('role_')
    await call.db
      .insertInto('roles')
      .values({
        organization_id: call.organization_id,
        resource_id: resource.id,
        id,
        name: role_name,
        description,
        permissions: JSON.stringify(permissions),
        created_at: call.now,
        updated_at: call.now,
        created_by: call.caller.user_id,
      })
      .execute()
    call.record('role.created', {
      id,
      role_name,
      permissions,
      resource_type: resourceType(resource),
      resource_id: resource.id,
    })
    return presentRole(await findRole(call, resource, id))
  },

  retrieve: async (call) => presentRole(await findRole(call, resourceOf(call), call.params.role_id)),

  async update(call) {
    requireActive(call.project)
    const resource = resourceOf(call)
    const role = requireCustom(await findRole(call, resource, call.params.role_id))
    const { role_name: name = role.name, permissions = role.permissions, description = role.description } = call.body
    const added = permissions.filter((permission) => !role.permissions.includes(permission))
    const removed = role.permissions.filter((permission) => !permissions.includes(permission))
    const renamed = name !== role.name
    const described = description !== role.description
    // Permissions in another order are no change for access, but they are stored as sent, because
    // Terraform compares lists.
    const same =
      permissions.length === role.permissions.length && permissions.every((one, n) => one === role.permissions[n])
    if (!renamed && !described && same) return presentRole(role)
    requireGrantable(call, { resource, permissions: added })
    if (renamed) await requireFreeName(call, resource, name)
    await call.db
      .updateTable('roles')
      .set({ name, description, permissions: JSON.stringify(permissions), updated_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', role.id)
      .execute()
    call.record('role.updated', {
      id: role.id,
      changes_requested: {
        role_name: renamed ? name : undefined,
        description: described ? (description ?? '') : undefined,
        permissions_added: added.length > 0 ? added : undefined,
        permissions_removed: removed.length > 0 ? removed : undefined,
        resource_type: resourceType(resource),
        resource_id: resource.id,
      },
    })
    return presentRole(await findRole(call, resource, role.id))
  },

  async delete(call) {
    requireActive(call.project)
    const role = requireCustom(await findRole(call, resourceOf(call), call.params.role_id))
    const { id } = role
    const holders = await call.db
      .selectFrom('role_assignments')
      .select('principal_id')
      .where('organization_id', '=', call.organization_id)
      .where('resource_id', '=', role.resource.id)
      .where('role', '=', id)
      .execute()
    for (const { principal_id } of holders) await revoke(call, role.resource, principal_id, id)
    await call.db
      .updateTable('roles')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    call.record('role.deleted', { id })
    return deletedResult('role', id)
  },
}

export default handlers(roles, template)
export const projectRoleHandlers = handlers(projectRoles, template as unknown as Handlers<typeof projectRoles>)
