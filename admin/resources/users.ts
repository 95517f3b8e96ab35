import { sql } from 'kysely'
import { notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { users } from '../../contract/users.ts'
import { collection } from '../../database/page.ts'
import { spread, spreadPlaceholders } from '../../database/statement.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import { handlers, type Call } from '../call.ts'

export default handlers(users, {
  list(call) {
    const { organization_id, query } = call
    const emails = (query.emails ?? []).map((email) => email.toLowerCase())
    return people.page(call.db, { organization_id, ...spread('email', emails) }, query, present, `${emails.length}`)
  },
  retrieve: async (call) => present(await find(call)),
})

const people = collection('users', ['organization_id'], (item, emails: `${number}`, $) => {
  const rows = item
    .selectAll()
    .select(isOrganizationOwner('item.organization_id', 'item.id').as('is_owner'))
    .where('item.deleted_at', 'is', null)
  return emails === '0'
    ? rows
    : rows.where(sql`lower(item.email)`, 'in', spreadPlaceholders($, 'email', Number(emails)))
})

type Row = NonNullable<Awaited<ReturnType<typeof people.find>>>

const present = (row: Row): Output<typeof users.retrieve> => ({
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

async function find(call: Call<typeof users.retrieve>) {
  const { organization_id } = call
  const user = await people.find(call.db, { organization_id }, call.params.user_id, '0')
  if (!user) throw notFound('user', call.params.user_id)
  return user
}
