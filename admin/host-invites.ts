/** The link of an invite, made on the host: where no mail server is set, or the mail did not arrive. */
import type { Database } from '../database/open.ts'
import type { Pepper } from '../keys/digest.ts'
import { seconds, type World } from '../keys/world.ts'
import { lockOrganization } from './audit.ts'
import { recordOnHost } from './host.ts'
import { newInviteToken } from './rules/invite-token.ts'

/** There is no such invite, or it cannot be accepted any more; the message is a sentence for the operator. */
export class NoOpenInvite extends Error {}

export interface InviteLink {
  token: string
  email: string
  /** Unix seconds. */
  expires_at: number
}

/** Gives a pending invite a new token; a link that it had before opens nothing any more. Throws NoOpenInvite. */
export async function linkInvite(database: Database, pepper: Pepper, world: World, id: string): Promise<InviteLink> {
  return database.write(async (sql) => {
    const known = sql.selectFrom('invites').where('id', '=', id).where('deleted_at', 'is', null)
    const owner = await known.select('organization_id').executeTakeFirst()
    if (!owner) throw new NoOpenInvite(`There is no invite ${id}; "keyhall invites list" shows those that there are.`)
    const { organization_id } = owner
    // Whoever accepts it at this moment comes before or after, not in between.
    await lockOrganization(sql, { organization_id })
    const invite = await known.selectAll().executeTakeFirst()
    if (!invite || invite.accepted_at !== null) throw new NoOpenInvite(`The invite ${id} was already accepted.`)
    if (invite.expires_at <= seconds(world))
      throw new NoOpenInvite(`The invite ${id} has expired; "keyhall invites create" makes another.`)
    const { token, token_digest } = newInviteToken(pepper, world)
    const { email, role, expires_at } = invite
    await sql
      .updateTable('invites')
      .set({ token_digest })
      .where('organization_id', '=', organization_id)
      .where('id', '=', id)
      .execute()
    await recordOnHost(sql, world, organization_id, [
      { type: 'invite.sent', payload: { id, data: { email, role } }, project_id: null },
    ])
    return { token, email, expires_at }
  })
}
