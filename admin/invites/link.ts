/**
 * The link of an invite, made on the host: where no mail server is set, or the mail did not arrive.
 */
import type { Database } from '../../database/types.ts'
import type { Peppers } from '../../keys/digest.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import { seconds, type World } from '../../world/world.ts'
import { lockOrganization } from '../audit-chain.ts'
import { recordOnHost } from '../bootstrap.ts'
import { newInviteToken } from './token.ts'

/**
 * There is no such invite, or it cannot be accepted any more; the message is a sentence for the
 * operator.
 */
export class NoOpenInvite extends Error {}

export interface InviteLink {
  token: string
  email: string
  /** Unix seconds. */
  expires_at: number
}

/**
 * Gives a pending invite a new token; a link that it had before opens nothing any more. Throws
 * NoOpenInvite.
 */
export async function linkInvite(database: Database, peppers: Peppers, world: World, id: string): Promise<InviteLink> {
  return database.write(async (sql) => {
    const known = sql.selectFrom('invites').where('id', '=', id).where('deleted_at', 'is', null)
    const owner = await known.select('organization_id').executeTakeFirst()
    if (!owner) throw new NoOpenInvite(`There is no invite ${id}; "keyhall invites list" shows those that there are.`)
    const { organization_id } = owner
    // So that nobody can accept the invite while its token changes.
    await lockOrganization(sql, { organization_id })
    const invite = await known
      .selectAll()
      .select(isOrganizationOwner('invites.organization_id', 'invites.created_by').as('is_sent_by_owner'))
      .executeTakeFirst()
    if (!invite || invite.accepted_at !== null) throw new NoOpenInvite(`The invite ${id} was already accepted.`)
    if (invite.expires_at <= seconds(world))
      throw new NoOpenInvite(`The invite ${id} has expired; "keyhall invites create" makes another.`)
    if (!invite.is_sent_by_owner)
      throw new NoOpenInvite(
        `Whoever sent the invite ${id} owns the organization no longer; "keyhall invites create" makes another.`,
      )
    const { token, token_digest } = newInviteToken(peppers[0], world)
    const { email, role, expires_at } = invite
    await sql
      .updateTable('invites')
      .set({ token_digest })
      .where('organization_id', '=', organization_id)
      .where('id', '=', id)
      .execute()
    await recordOnHost(sql, peppers, world, organization_id, [
      { type: 'invite.sent', payload: { id, data: { email, role } }, project_id: null },
    ])
    return { token, email, expires_at }
  })
}
