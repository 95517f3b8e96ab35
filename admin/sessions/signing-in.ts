/**
 * Somebody who signs in without an admin key: a person of the organization, from where they may.
 */
import type { Sql } from '../../database/types.ts'
import { networksOf, requireAllowed } from '../../keys/allowed-networks.ts'
import type { Caller } from '../call.ts'

/**
 * The person, who may do nothing until the session is there; undefined where somebody left the
 * organization. Throws 401 where its IP allow list lacks the address.
 */
export async function personSigningIn(
  sql: Sql,
  { organization_id, user_id }: { organization_id: string; user_id: string },
  ip_address: string | null,
): Promise<Caller | undefined> {
  const person = await sql
    .selectFrom('users')
    .select('email')
    .where('organization_id', '=', organization_id)
    .where('id', '=', user_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (!person) return undefined
  await requireAllowedAddress(sql, organization_id, ip_address)
  return { organization_id, user_id, email: person.email, key_id: null, session: null, may: () => false }
}

/** Throws 401 unless people of the organization may sign in from this address. */
export async function requireAllowedAddress(sql: Sql, organization_id: string, ip_address: string | null) {
  const allowed = await sql
    .selectFrom('project_settings')
    .select('value')
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', '')
    .where('name', '=', 'ip_allowlist')
    .executeTakeFirst()
  const networks = networksOf(allowed?.value ?? null)
  if (networks !== null) requireAllowed([networks], ip_address)
}
