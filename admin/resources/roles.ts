/** The roles of the organization and, alike, those of a project. */
import { projectRoles, roles } from '../../contract/roles.ts'
import { handlers, type Call, type Handlers } from '../call.ts'
import { notArchived } from '../rules/archived.ts'
import { revoke } from '../rules/assign.ts'
import { gone } from '../rules/gone.ts'
import { mayGrant } from '../rules/may-grant.ts'
import { customOnly, findRole, pageOfRoles, presentRole, resourceOf, resourceType, unusedName } from '../rules/roles.ts'

const template: Handlers<typeof roles> = {
  list: (call) => pageOfRoles(call, resourceOf(call), presentRole),

  async create(call) {
    changeable(call)
    const { role_name, permissions, description = null } = call.body
    const resource = resourceOf(call)
    await unusedName(call, resource, role_name)
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
    changeable(call)
    const resource = resourceOf(call)
    const role = customOnly(await findRole(call, resource, call.params.role_id))
    const name = call.body.role_name ?? role.name
    const permissions = call.body.permissions ?? role.permissions
    // Only for the description does null mean something: none.
    const description = call.body.description === undefined ? role.description : call.body.description
    const added = permissions.filter((permission) => !role.permissions.includes(permission))
    const removed = role.permissions.filter((permission) => !permissions.includes(permission))
    const renamed = name !== role.name
    const described = description !== role.description
    // In another order they grant the same, and are answered as they were sent: Terraform compares lists.
    const same =
      permissions.length === role.permissions.length && permissions.every((one, n) => one === role.permissions[n])
    if (!renamed && !described && same) return presentRole(role)
    mayGrant(call, { resource, permissions: added })
    if (renamed) await unusedName(call, resource, name)
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
    changeable(call)
    const role = customOnly(await findRole(call, resourceOf(call), call.params.role_id))
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
    return gone('role', id)
  },
}

export default handlers(roles, template)
export const projectRoleHandlers = handlers(projectRoles, template as unknown as Handlers<typeof projectRoles>)

function changeable({ project }: { project: Call<typeof projectRoles.list>['project'] | undefined }) {
  if (project) notArchived(project)
}
