import { ApiError, conflict, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectRoles } from '../../contract/permissions.ts'
import { projectUsers } from '../../contract/project-users.ts'
import { listOf } from '../../database/table-list.ts'
import { directProjectRank, roleOf } from '../../keys/access.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { requireGrantable } from '../rules/require-grantable.ts'
import { grant, revoke, replaceBuiltInRole } from '../rules/assign.ts'
import { isFirstRole } from '../shared/first-role.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { findPerson, personByEmail } from '../shared/person.ts'
import { findRole, projectOf } from '../shared/known-roles.ts'

export default handlers(projectUsers, {
  async list(call) {
    requireActive(call.project)
    return table.page(call.db, within(call), call.query, present)
  },

  async create(call) {
    requireActive(call.project)
    const person = await personNamedBy(call)
    const role = await findRole(call, projectOf(call), call.body.role, { param: 'role', names: true })
    const member = await table.find(call.db, within(call), person.id)
    if (member && !(await cameWithProject(call, person.id)))
      throw conflict(`User ${person.id} already exists in project ${call.project.id}.`, 'user_id')
    requireGrantable(call, role)
    if (member) await revoke(call, projectOf(call), person.id)
    await grant(call, projectOf(call), person.id, role.key)
    call.record('user.added', { id: person.id, data: { role: role.name } })
    return present(await findProjectUser(call, person.id))
  },

  retrieve: async (call) => present(await findProjectUser(call, call.params.user_id)),

  async update(call) {
    requireActive(call.project)
    const { user_id } = call.params
    const member = await findProjectUser(call, user_id)
    if (call.body.role) {
      const role = await findRole(call, projectOf(call), call.body.role, { param: 'role', names: true })
      if (role.name === present(member).role) return present(member)
      requireGrantable(call, role)
      if (await replaceBuiltInRole(call, projectOf(call), user_id, projectRoles, role.key))
        call.record('user.updated', { id: user_id, changes_requested: { role: role.name } })
    }
    return present(await findProjectUser(call, user_id))
  },

  async delete(call) {
    requireActive(call.project)
    const { user_id } = call.params
    await findProjectUser(call, user_id)
    await revoke(call, projectOf(call), user_id)
    call.record('user.deleted', { id: user_id })
    return deletedResult('organization.project.user', user_id)
  },
})

const table = listOf(
  'role_assignments',
  ['organization_id', 'resource_id'],
  (item) =>
    item
      .innerJoin('users as user', (on) =>
        on.onRef('user.organization_id', '=', 'item.organization_id').onRef('user.id', '=', 'item.principal_id'),
      )
      .select(['item.principal_id', 'item.created_at', 'user.name', 'user.email'])
      .select(
        directProjectRank({
          organization: 'item.organization_id',
          project: 'item.resource_id',
          user: 'item.principal_id',
        }).as('rank'),
      )
      .where(isFirstRole),
  { id: 'principal_id', isMembership: true },
)

type Row = NonNullable<Awaited<ReturnType<typeof table.find>>>

const present = (row: Row): Output<typeof projectUsers.retrieve> => ({
  object: 'organization.project.user',
  id: row.principal_id,
  name: row.name,
  email: row.email,
  role: roleOf(row.rank, null),
  added_at: row.created_at,
})

type InProject = Call<typeof projectUsers.list>

const within = (call: Pick<InProject, 'organization_id' | 'project'>) => ({
  organization_id: call.organization_id,
  resource_id: call.project.id,
})

export async function findProjectUser(call: Pick<InProject, 'db' | 'organization_id' | 'project'>, user_id: string) {
  const member = await table.find(call.db, within(call), user_id)
  if (!member)
    throw new ApiError(404, `User ${user_id} is not a member of ${call.project.id}: it was not found there`, {
      code: 'user_not_found',
    })
  return member
}

/** The person whom the body names, by id or by address. */
async function personNamedBy(call: Call<typeof projectUsers.create>): Promise<{ id: string }> {
  const { user_id, email = '' } = call.body
  if (user_id !== undefined) return findPerson(call, user_id, 'user_id')
  const person = await personByEmail(call, email)
  if (!person) throw notFound('user', email, 'email')
  return person
}

/**
 * Whether a membership came with the project: the person who makes a project becomes a member
 * without asking for it. Adding this person is therefore no conflict, and sets the role.
 */
async function cameWithProject(call: Pick<InProject, 'db' | 'organization_id' | 'project'>, user_id: string) {
  const held = await call.db
    .selectFrom('role_assignments')
    .select('created_by')
    .where('organization_id', '=', call.organization_id)
    .where('resource_id', '=', call.project.id)
    .where('principal_id', '=', user_id)
    .execute()
  return held.every(({ created_by }) => created_by === null)
}
