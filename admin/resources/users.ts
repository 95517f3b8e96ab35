import { invalid } from '../../contract/errors.ts'
import { organizationRoles } from '../../contract/permissions.ts'
import { users } from '../../contract/users.ts'
import { lowerAscii, spread } from '../../database/statement.ts'
import { handlers } from '../call.ts'
import { grant, swapBuiltIn } from '../rules/assign.ts'
import { gone } from '../rules/gone.ts'
import { keepAnOwner } from '../rules/last-owner.ts'
import { leaveAll } from '../rules/leave-all.ts'
import { mayGrant } from '../rules/may-grant.ts'
import { findPerson, people, presentPerson } from '../rules/people.ts'
import { findRole, organizationOf } from '../rules/roles.ts'

export default handlers(users, {
  list(call) {
    const { organization_id, query } = call
    const emails = (query.emails ?? []).map(lowerAscii)
    const values = { organization_id, ...spread('email', emails) }
    return people.page(call.db, values, query, presentPerson, `${emails.length}`)
  },

  retrieve: async (call) => presentPerson(await findPerson(call, call.params.user_id)),

  async update(call) {
    const person = await findPerson(call, call.params.user_id)
    const { role, role_id, technical_level, developer_persona } = call.body
    if (role && role_id) throw invalid("Give only one of 'role' and 'role_id'.", 'role_id')
    const organization = organizationOf(call)
    const wanted = role_id
      ? await findRole(call, organization, role_id, { param: 'role_id' })
      : // "member" is the older word for reader.
        role && (await findRole(call, organization, role === 'member' ? 'reader' : role, { names: true }))
    const changed =
      wanted &&
      (await (wanted.short === null
        ? grant(call, organization, person.id, wanted.key)
        : swapBuiltIn(call, organization, person.id, organizationRoles, wanted.key)))
    // Whoever is made a reader gains nothing: everybody is one at least.
    if (changed && wanted && wanted.key !== 'reader') mayGrant(call, wanted)
    if (changed) await keepAnOwner(call)
    const notes = {
      technical_level: technical_level ?? person.technical_level,
      developer_persona: developer_persona ?? person.developer_persona,
    }
    const noted =
      notes.technical_level !== person.technical_level || notes.developer_persona !== person.developer_persona
    if (noted)
      await call.db
        .updateTable('users')
        .set(notes)
        .where('organization_id', '=', call.organization_id)
        .where('id', '=', person.id)
        .execute()
    if (changed || noted)
      call.record('user.updated', { id: person.id, changes_requested: { role: wanted ? wanted.key : undefined } })
    return presentPerson(await findPerson(call, person.id))
  },

  async delete(call) {
    const { id } = await findPerson(call, call.params.user_id)
    await leaveAll(call, { type: 'user', id })
    await call.db
      .updateTable('users')
      .set({ deleted_at: call.now })
      .where('organization_id', '=', call.organization_id)
      .where('id', '=', id)
      .execute()
    await keepAnOwner(call)
    call.record('user.deleted', { id })
    return gone('organization.user', id)
  },
})
