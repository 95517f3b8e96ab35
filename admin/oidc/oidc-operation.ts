/**
 * The change that signs somebody in whom an issuer has signed in. It takes the steps of every
 * administration call, and is none: its body is what the issuer said, which no caller can send.
 */
import { nullable, post, t } from '../../contract/kit.ts'
import { withTrustMac } from '../../keys/trust-mac.ts'
import type { Call, OperationHandler } from '../call.ts'
import { joinByInvite } from '../invites/open-invites.ts'
import { grant } from '../rules/assign.ts'
import { requireAllowedAddress } from '../sessions/signing-in.ts'
import { startSession } from '../sessions/start-session.ts'
import { organizationOf } from '../shared/known-roles.ts'
import { findPersonOf, type Found } from './find-person.ts'
import { keepMappedGroups } from './mapped-groups.ts'
import type { OidcSettings } from './oidc-settings.ts'

export const oidcSignIn = post('/console/oidc/callback', {
  about: 'Signs in somebody whom the issuer has signed in.',
  can: null,
  audit: [
    'login.succeeded',
    'logout.succeeded',
    'invite.accepted',
    'user.added',
    'tenant.group.member.added',
    'tenant.group.member.removed',
  ],
  body: {
    issuer: t.String(),
    subject: t.String(),
    email: nullable(t.String()),
    email_verified: t.Boolean(),
    name: t.String(),
    groups: t.Array(t.String()),
  },
  returns: t.Object({ unknown_groups: t.Array(t.String()) }),
  extension: true,
})

type Signing = Call<typeof oidcSignIn>

export const oidcHandler = (settings: OidcSettings): OperationHandler<typeof oidcSignIn> => ({
  async authenticate({ db, keys, now, body, newId, ip_address }) {
    const found = await findPersonOf(db, body, { peppers: keys.peppers, settings, now })
    const { organization_id, email, user_id } = found
    await requireAllowedAddress(db, organization_id, ip_address)
    return { organization_id, user_id: user_id ?? newId('user-'), email, key_id: null, session: null, may: () => false }
  },

  async handle(call) {
    const { db, body, keys, now, caller } = call
    const found = await findPersonOf(db, body, { peppers: keys.peppers, settings, now })
    const { user_id } = caller
    if (found.joins) await join(call, found, user_id)
    if (!found.isLinked) await link(call, user_id)
    const unknown_groups = await keepMappedGroups(call, user_id, body.groups, settings.groups)
    await startSession(call, { user_id, method: 'oidc' })
    return { unknown_groups }
  },
})

async function join(call: Signing, { joins, email }: Found, id: string) {
  const person = { id, name: call.body.name }
  if (joins && 'invite' in joins) return joinByInvite(call, joins.invite, person)
  const { db, organization_id, now } = call
  const role = joins!.role
  await db
    .insertInto('users')
    .values({ organization_id, ...person, email, created_at: now })
    .execute()
  if (role !== 'member') await grant({ ...call, caller: { user_id: null } }, organizationOf(call), id, role)
  call.record('user.added', { id, data: { role } })
}

/** From now on the issuer's id of the person decides. One of a person who left is replaced. */
async function link({ db, organization_id, keys, now, newId, body }: Signing, user_id: string) {
  const { issuer, subject, email } = body
  await db
    .deleteFrom('sign_in_identities')
    .where('organization_id', '=', organization_id)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .execute()
  const row = { organization_id, id: newId('identity_'), issuer, subject, user_id, email, created_at: now }
  await db
    .insertInto('sign_in_identities')
    .values(withTrustMac(keys.pepper, 'sign_in_identities', row))
    .execute()
}
