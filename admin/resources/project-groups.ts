import { invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectRoles } from '../../contract/permissions.ts'
import { projectGroups } from '../../contract/project-groups.ts'
import { byNext } from '../../database/pager.ts'
import { listOf } from '../../database/table-list.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { requireGrantable } from '../rules/require-grantable.ts'
import { assignmentEvent, grant, revoke } from '../rules/assign.ts'
import { isFirstRole } from '../shared/first-role.ts'
import { findGroup } from '../shared/find-group.ts'
import { findRole, projectOf, rolesOf } from '../shared/known-roles.ts'

export default handlers(projectGroups, {
  list: async (call) => byNext(await table.page(call.db, within(call), { limit: 20, ...call.query }, present)),

  async create(call) {
    requireActive(call.project)
    const group = await findGroup(call, call.body.group_id, 'group_id')
    const role = await findRole(call, projectOf(call), call.body.role, { param: 'role', names: true })
    if (await holdsBuiltInRole(call, group.id))
      throw invalid(`Group ${group.id} already exists in project ${call.project.id}.`, 'group_id', 'already_exists')
    requireGrantable(call, role)
    // If the group holds this custom role already, it was assigned separately, and adding the group
    // changes nothing.
    if (await grant(call, projectOf(call), group.id, role.key))
      call.record('role.assignment.created', assignmentEvent({ type: 'group', id: group.id }, role))
    return present(await findProjectGroup(call, group.id))
  },

  async retrieve(call) {
    // Keyhall has no tenants, so no group is one of theirs.
    if (call.query.group_type === 'tenant_group') throw notFound('group', call.params.group_id)
    return present(await findProjectGroup(call, call.params.group_id))
  },

  async delete(call) {
    requireActive(call.project)
    const { group_id } = await findProjectGroup(call, call.params.group_id)
    const taken = await revoke(call, projectOf(call), group_id)
    for (const role of await rolesOf(call, projectOf(call)))
      if (taken.includes(role.key))
        call.record('role.assignment.deleted', assignmentEvent({ type: 'group', id: group_id }, role))
    return { object: 'project.group.deleted' as const, deleted: true as const }
  },
})

const table = listOf(
  'role_assignments',
  ['organization_id', 'resource_id'],
  (item) =>
    item
      .innerJoin('groups as group', (on) =>
        on.onRef('group.organization_id', '=', 'item.organization_id').onRef('group.id', '=', 'item.principal_id'),
      )
      .select(['item.resource_id as project_id', 'item.principal_id as group_id', 'item.principal_id'])
      .select(['item.created_at', 'group.name as group_name'])
      .where(isFirstRole),
  { order: 'asc', id: 'principal_id', isMembership: true },
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present = ({ project_id, group_id, group_name, created_at }: Row): Output<typeof projectGroups.retrieve> => ({
  object: 'project.group',
  project_id,
  group_id,
  group_name,
  group_type: 'group',
  created_at,
})

type InProject = Call<typeof projectGroups.list>

const within = (call: Pick<InProject, 'organization_id' | 'project'>) => ({
  organization_id: call.organization_id,
  resource_id: call.project.id,
})

export async function findProjectGroup(call: Pick<InProject, 'db' | 'organization_id' | 'project'>, group_id: string) {
  const member = await table.find(call.db, within(call), group_id)
  if (!member) throw notFound('group', `${group_id} of project ${call.project.id}`)
  return member
}

/**
 * Whether the group has been added to the project. A group that only has custom roles there has
 * not: those are assigned separately.
 */
async function holdsBuiltInRole(
  { db, organization_id, project }: Pick<InProject, 'db' | 'organization_id' | 'project'>,
  id: string,
) {
  const held = await db
    .selectFrom('role_assignments')
    .select('role')
    .where('organization_id', '=', organization_id)
    .where('resource_id', '=', project.id)
    .where('principal_id', '=', id)
    .where('role', 'in', projectRoles)
    .execute()
  return held.length > 0
}
