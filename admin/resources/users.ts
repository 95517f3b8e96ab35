import { organizationRoles } from '../../contract/permissions.ts'
import { users } from '../../contract/users.ts'
import { lowerAscii, spread } from '../../database/statement.ts'
import { handlers } from '../call.ts'
import { grant, replaceBuiltInRole, revokeBuiltInRoles } from '../rules/assign.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { requireAnOwner } from '../rules/require-an-owner.ts'
import { leaveAll } from '../rules/leave-all.ts'
import { requireGrantable } from '../rules/require-grantable.ts'
import { findPerson, peopleTable, presentPerson } from '../shared/person.ts'
import { findRole, organizationOf } from '../shared/known-roles.ts'

export default handlers(users, {
  list(call) {
    const { organization_id, query } = call
    const emails = (query.emails ?? []).map(lowerAscii)
    const values = { organization_id, ...spread('email', emails) }
    return peopleTable.page(call.db, values, query, presentPerson, { emails: emails.length })
  },

  retrieve: async (call) => presentPerson(await findPerson(call, call.params.user_id)),

  async update(call) {
    const person = await findPerson(call, call.params.user_id)
    const { role, role_id } = call.body
    const { technical_level = person.technical_level, developer_persona = person.developer_persona } = call.body
    const organization = organizationOf(call)
    const wanted =
      role_id !== undefined
        ? await findRole(call, organization, role_id, { param: 'role_id' })
        : role && role !== 'member' && (await findRole(call, organization, role, { names: true }))
    const changed = wanted
      ? await (wanted.short === null
          ? grant(call, organization, person.id, wanted.key)
          : replaceBuiltInRole(call, organization, person.id, organizationRoles, wanted.key))
      : role === 'member' && (await revokeBuiltInRoles(call, organization, person.id, organizationRoles))
    // An admin key is of an owner, who can make anybody a reader.
    if (changed && wanted && (wanted.key !== 'reader' || call.caller.session)) requireGrantable(call, wanted)
    if (changed) await requireAnOwner(call)
    const notes = {
      technical_level,
      developer_persona,
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
      call.record('user.updated', { id: person.id, changes_requested: { role: wanted ? wanted.key : role } })
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
    await requireAnOwner(call)
    call.record('user.deleted', { id })
    return deletedResult('organization.user', id)
  },
})
