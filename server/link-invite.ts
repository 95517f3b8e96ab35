/** `keyhall invites link`: a new link for an open invite, without a mail server. */
import { linkInvite, NoOpenInvite } from '../admin/invites/link.ts'
import { inviteLink } from '../admin/invites/token.ts'
import { Failed, type ExitCode } from '../world/failed.ts'
import { printable } from '../world/printable.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { urlOf } from './greeting.ts'
import { openStartedWithPepper } from './open-storage.ts'

export async function linkInviteOf(
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file' | 'public_url' | 'host' | 'port'>,
  id: string,
  { out, err }: Terminal,
): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const { token, email, expires_at } = await linkInvite(database, peppers, realWorld, id)
    const ends = new Date(expires_at * 1000).toISOString()
    err(`The link for ${printable(email)}, until ${ends}. One that was made before opens nothing any more:\n`)
    out(`${inviteLink(config.public_url ?? urlOf(config.host, config.port), token)}\n`)
    return 0
  } catch (error) {
    if (error instanceof NoOpenInvite) throw new Failed(error.message)
    throw error
  } finally {
    await database.close()
  }
}
