import { invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectGroups } from '../../contract/project-groups.ts'
import { byNext, collection } from '../../database/page.ts'
import { handlers, type Call } from '../call.ts'
import { notArchived } from '../rules/archived.ts'
import { assignmentEvent, grant, revoke } from '../rules/assign.ts'
import { firstHeld } from '../rules/first-held.ts'
import { findGroup } from '../rules/groups.ts'
import { findRole, projectOf, rolesOf } from '../rules/roles.ts'

export default handlers(projectGroups, {
  list: async (call) => byNext(await members.page(call.db, within(call), { limit: 20, ...call.query }, present)),

  async create(call) {
    notArchived(call.project)
    const group = await findGroup(call, call.body.group_id, 'group_id')
    const role = await findRole(call, projectOf(call), call.body.role, { param: 'role', names: true })
    if (await members.find(call.db, within(call), group.id))
      throw invalid(`Group ${group.id} already exists in project ${call.project.id}.`, 'group_id', 'already_exists')
    await grant(call, projectOf(call), group.id, role.key)
    call.record('role.assignment.created', assignmentEvent({ type: 'group', id: group.id }, role))
    return present(await find(call, group.id))
  },

  async retrieve(call) {
    // Keyhall has no tenants, so no group is one of theirs.
    if (call.query.group_type === 'tenant_group') throw notFound('group', call.params.group_id)
    return present(await find(call, call.params.group_id))
  },

  async delete(call) {
    notArchived(call.project)
    const { group_id } = await find(call, call.params.group_id)
    const taken = await revoke(call, projectOf(call), group_id)
    for (const role of await rolesOf(call, projectOf(call)))
      if (taken.includes(role.key))
        call.record('role.assignment.deleted', assignmentEvent({ type: 'group', id: group_id }, role))
    return { object: 'project.group.deleted' as const, deleted: true as const }
  },
})

const members = collection(
  'role_assignments',
  ['organization_id', 'resource_id'],
  (item) =>
    item
      .innerJoin('groups as group', (on) =>
        on.onRef('group.organization_id', '=', 'item.organization_id').onRef('group.id', '=', 'item.principal_id'),
      )
      .select(['item.resource_id as project_id', 'item.principal_id as group_id', 'item.principal_id'])
      .select(['item.created_at', 'group.name as group_name'])
      .where(firstHeld),
  { order: 'asc', id: 'principal_id', departed: true },
)

type Row = NonNullable<Awaited<ReturnType<typeof members.find>>>

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

async function find(call: Pick<InProject, 'db' | 'organization_id' | 'project'>, group_id: string) {
  const member = await members.find(call.db, within(call), group_id)
  if (!member) throw notFound('group', `${group_id} of project ${call.project.id}`)
  return member
}
