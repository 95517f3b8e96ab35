import { ApiError, conflict, invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectRoles } from '../../contract/permissions.ts'
import { projectUsers } from '../../contract/project-users.ts'
import { collection } from '../../database/page.ts'
import { directProjectRank, roleOf } from '../../keys/access.ts'
import { handlers, type Call } from '../call.ts'
import { notArchived } from '../rules/archived.ts'
import { grant, revoke, swapBuiltIn } from '../rules/assign.ts'
import { firstHeld } from '../rules/first-held.ts'
import { gone } from '../rules/gone.ts'
import { findPerson, personByEmail, type Person } from '../rules/people.ts'
import { findRole, projectOf } from '../rules/roles.ts'

export default handlers(projectUsers, {
  async list(call) {
    notArchived(call.project)
    return members.page(call.db, within(call), call.query, present)
  },

  async create(call) {
    notArchived(call.project)
    const person = await named(call)
    const role = await findRole(call, projectOf(call), call.body.role, { param: 'role', names: true })
    if (await members.find(call.db, within(call), person.id))
      throw conflict(`User ${person.id} already exists in project ${call.project.id}.`, 'user_id')
    await grant(call, projectOf(call), person.id, role.key)
    call.record('user.added', { id: person.id, data: { role: role.name } })
    return present(await find(call, person.id))
  },

  retrieve: async (call) => present(await find(call, call.params.user_id)),

  async update(call) {
    notArchived(call.project)
    const { user_id } = call.params
    const member = await find(call, user_id)
    if (call.body.role) {
      const role = await findRole(call, projectOf(call), call.body.role, { param: 'role', names: true })
      if (role.name === present(member).role) return present(member)
      await notOwner(call, user_id)
      if (await swapBuiltIn(call, projectOf(call), user_id, projectRoles, role.key))
        call.record('user.updated', { id: user_id, changes_requested: { role: role.name } })
    }
    return present(await find(call, user_id))
  },

  async delete(call) {
    notArchived(call.project)
    const { user_id } = call.params
    await find(call, user_id)
    await notOwner(call, user_id)
    await revoke(call, projectOf(call), user_id)
    call.record('user.deleted', { id: user_id })
    return gone('organization.project.user', user_id)
  },
})

const members = collection(
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
      .where(firstHeld),
  { id: 'principal_id', departed: true },
)

type Row = NonNullable<Awaited<ReturnType<typeof members.find>>>

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

async function find(call: Pick<InProject, 'db' | 'organization_id' | 'project'>, user_id: string) {
  const member = await members.find(call.db, within(call), user_id)
  if (!member)
    throw new ApiError(404, `User ${user_id} is not a member of ${call.project.id}: it was not found there`, {
      code: 'user_not_found',
    })
  return member
}

/** The person whom the body names, by id or by address. */
async function named(call: Call<typeof projectUsers.create>): Promise<{ id: string }> {
  const { user_id, email } = call.body
  if (user_id && email) throw invalid("Give only one of 'user_id' and 'email'.", 'email')
  if (user_id) return findPerson(call, user_id, 'user_id')
  if (!email) throw invalid("Missing required parameter: 'user_id'.", 'user_id', 'missing_required_parameter')
  const person = await personByEmail(call, email)
  if (!person) throw notFound('user', email, 'email')
  return person
}

/** Throws 400 for an owner of the organization, who is an owner of every project. */
async function notOwner(call: Pick<InProject, 'db' | 'organization_id'>, user_id: string) {
  const person: Person = await findPerson(call, user_id)
  if (person.is_owner)
    throw invalid(
      // A Terraform provider looks for "owner of the organization", and then lets the person be.
      `User ${user_id} is an owner of the organization: the role in a project can be neither changed nor removed.`,
    )
}
