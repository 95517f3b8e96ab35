/** The link of an invite. Its token has 256 bits, of which only a digest is kept. */
import { inviteDigest, type Pepper } from '../../keys/digest.ts'
import { base62 } from '../../keys/random.ts'
import type { World } from '../../keys/world.ts'

export function newInviteToken(pepper: Pepper, world: Pick<World, 'random'>) {
  const token = base62(world.random, 43)
  return { token, token_digest: inviteDigest(pepper, token) }
}

/** Behind `#`, because browsers do not send what stands there. */
export const inviteLink = (public_url: string, token: string) => `${public_url}/invites/accept#${token}`
