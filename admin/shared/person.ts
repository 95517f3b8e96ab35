/** Finds and shows people of the organization, for several resources. */
import { sql } from 'kysely'
import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import type { users } from '../../contract/users.ts'
import { listOf } from '../../database/table-list.ts'
import { lowerAscii, spreadPlaceholders } from '../../database/statement.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import type { Call } from '../call.ts'

/**
 * The living people. `emails` is how many addresses, `params.email0` and so on, the list is
 * restricted to; 0 restricts nothing.
 */
export const peopleTable = listOf('users', ['organization_id'], (item, { emails }: { emails: number }, params) => {
  const rows = item
    .selectAll()
    .select(isOrganizationOwner('item.organization_id', 'item.id').as('is_owner'))
    .where('item.deleted_at', 'is', null)
  return emails === 0 ? rows : rows.where(sql`lower(item.email)`, 'in', spreadPlaceholders(params, 'email', emails))
})

export type Person = NonNullable<Awaited<ReturnType<typeof peopleTable.find>>>

export const presentPerson = (row: Person): Output<typeof users.retrieve> => ({
  object: 'organization.user',
  id: row.id,
  name: row.name,
  email: row.email,
  role: row.is_owner ? 'owner' : 'reader',
  added_at: row.created_at,
  api_key_last_used_at: row.api_key_last_used_at,
  technical_level: row.technical_level,
  developer_persona: row.developer_persona,
  is_service_account: false,
  is_scim_managed: false,
})

/** Throws 404; `param` names the member of the body that held the id, if it was there. */
export async function findPerson(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  param: string | null = null,
): Promise<Person> {
  const person = await peopleTable.find(db, { organization_id }, id, { emails: 0 })
  if (!person) throw notFound('user', id, param)
  return person
}

/** The person with this address, written in whatever case. */
export async function personByEmail(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  email: string,
): Promise<{ id: string; email: string } | undefined> {
  const [person] = await db
    .selectFrom('users')
    .select(['id', 'email'])
    .where('organization_id', '=', organization_id)
    .where((is) => is(is.fn<string>('lower', ['email']), '=', lowerAscii(email)))
    .where('deleted_at', 'is', null)
    .execute()
  return person
}
