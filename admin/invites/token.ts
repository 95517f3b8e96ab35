/** The link of an invite. Its token has 256 bits, of which only a digest is kept. */
import { inviteDigest, type Pepper } from '../../keys/digest.ts'
import { base62 } from '../../world/random.ts'
import type { World } from '../../world/world.ts'

export function newInviteToken(pepper: Pepper, world: Pick<World, 'random'>) {
  const token = base62(world.random, 43)
  return { token, token_digest: inviteDigest(pepper, token) }
}

/** The token is behind `#`, because browsers do not send that part of an address. */
export const inviteLink = (public_url: string, token: string) => `${public_url}/invites/accept#${token}`
