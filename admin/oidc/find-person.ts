/**
 * Who somebody is here, whom an issuer signed in. After the first time the issuer's own id of the
 * person decides, so that another e-mail address neither loses an account nor takes over one.
 */
import type { InviteRow } from '../../database/tables.ts'
import type { SignInIdentityRow } from '../../database/identity-tables.ts'
import { lowerAscii } from '../../database/statement.ts'
import type { Sql } from '../../database/types.ts'
import type { Peppers } from '../../keys/digest.ts'
import { hasTrustMac } from '../../keys/trust-mac.ts'
import { openInvites } from '../invites/open-invites.ts'
import type { Claims } from './claims.ts'
import {
  domainNotAllowed,
  emailNotVerified,
  identityTaken,
  leftOrganization,
  noEmail,
  noSingleOrganization,
  notInvited,
} from '../../contract/oidc-errors.ts'
import type { OidcSettings } from './oidc-settings.ts'

export interface Found {
  organization_id: string
  /** Null for somebody who joins now. */
  user_id: string | null
  email: string
  /** How they join. */
  joins: { invite: InviteRow } | { role: 'reader' | 'member' } | null
  /** Whether the issuer's id of the person is known already. */
  isLinked: boolean
}

interface Asking {
  peppers: Peppers
  settings: OidcSettings
  now: number
}

/** Throws 403 with a sentence for everybody who may not sign in. */
export async function findPersonOf(sql: Sql, claims: Claims, { peppers, settings, now }: Asking): Promise<Found> {
  const organization_id = await onlyOrganization(sql)
  const { email, email_verified } = claims
  requireAllowedDomain(email, settings)
  const identity = await identityOf(sql, organization_id, claims, peppers)
  const known = identity && (await personById(sql, identity))
  const found = { organization_id, joins: null, isLinked: false }
  if (known && known.deleted_at === null) return { ...found, user_id: known.id, email: known.email, isLinked: true }
  if (email === null) throw known ? leftOrganization(known.email) : noEmail()
  if (!email_verified) throw emailNotVerified(email)
  const all = await peopleByEmail(sql, organization_id, email)
  const person = all.find(({ deleted_at }) => deleted_at === null)
  if (person) {
    if (await hasOtherIdentity(sql, organization_id, person.id, claims)) throw identityTaken(email)
    return { ...found, user_id: person.id, email: person.email }
  }
  const [invite] = await openInvites(sql, now)
    .where('organization_id', '=', organization_id)
    .where((is) => is(is.fn<string>('lower', ['email']), '=', lowerAscii(email)))
    .execute()
  if (invite) return { ...found, user_id: null, email: invite.email, joins: { invite } }
  if (known || all.length > 0) throw leftOrganization(email)
  if (settings.newcomers === 'refuse') throw notInvited(email)
  return { ...found, user_id: null, email, joins: { role: settings.newcomers } }
}

function requireAllowedDomain(email: string | null, { allowed_domains }: OidcSettings) {
  if (allowed_domains === null) return
  if (email === null) throw noEmail()
  if (!allowed_domains.includes(email.slice(email.lastIndexOf('@') + 1).toLowerCase())) throw domainNotAllowed(email)
}

async function onlyOrganization(sql: Sql): Promise<string> {
  const [organization, ...more] = await sql.selectFrom('organizations').select('id').limit(2).execute()
  if (!organization || more.length > 0) throw noSingleOrganization()
  return organization.id
}

/** A row without a valid MAC was written by somebody else than Keyhall: it is none. */
async function identityOf(
  sql: Sql,
  organization_id: string,
  { issuer, subject }: Claims,
  peppers: Peppers,
): Promise<SignInIdentityRow | undefined> {
  const row = await sql
    .selectFrom('sign_in_identities')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return row && hasTrustMac(peppers, 'sign_in_identities', row) ? row : undefined
}

const personById = (sql: Sql, { organization_id, user_id }: SignInIdentityRow) =>
  sql
    .selectFrom('users')
    .select(['id', 'email', 'deleted_at'])
    .where('organization_id', '=', organization_id)
    .where('id', '=', user_id)
    .executeTakeFirst()

const peopleByEmail = (sql: Sql, organization_id: string, email: string) =>
  sql
    .selectFrom('users')
    .select(['id', 'email', 'deleted_at'])
    .where('organization_id', '=', organization_id)
    .where((is) => is(is.fn<string>('lower', ['email']), '=', lowerAscii(email)))
    .execute()

/** Whether another account of the same issuer is this person: the address was given on. */
async function hasOtherIdentity(sql: Sql, organization_id: string, user_id: string, { issuer, subject }: Claims) {
  const others = await sql
    .selectFrom('sign_in_identities')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('user_id', '=', user_id)
    .where('issuer', '=', issuer)
    .where('subject', '!=', subject)
    .limit(1)
    .execute()
  return others.length > 0
}
