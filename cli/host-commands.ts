/** The operator's tools, straight on the database: `keyhall admin-keys create`, `keyhall invites link` and `keyhall audit verify`. */
import { verifyChain } from '../admin/audit.ts'
import { createAdminKeyOnHost, NoSuchOwner } from '../admin/host.ts'
import { linkInvite, NoOpenInvite } from '../admin/host-invites.ts'
import { inviteLink } from '../admin/rules/invite-token.ts'
import type { Config } from '../config.ts'
import { realWorld, seconds } from '../keys/world.ts'
import { lifetimeOf } from './durations.ts'
import { Failed, wrongUsage, type ExitCode } from './failed.ts'
import { urlOf } from './greeting.ts'
import { openStarted, openStartedWithPepper } from './host.ts'
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'

const LONGEST_NAME = 255

export async function createAdminKey(
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file'>,
  flags: Map<string, string[]>,
  { out, err }: Terminal,
): Promise<ExitCode> {
  const name = flags.get('name')?.[0] ?? 'Made on the host'
  if (name.length === 0 || name.length > LONGEST_NAME)
    throw wrongUsage(`--name must have 1 to ${LONGEST_NAME} characters.`)
  const until = flags.get('expires-in')?.[0]
  const expires_in_seconds = until === undefined ? undefined : lifetimeOf(until, seconds(realWorld))
  if (expires_in_seconds === null || (expires_in_seconds ?? 1) < 1)
    throw wrongUsage(`--expires-in must be a lifetime such as 30d, 12h or 90m, or a date to come, not "${until}".`)
  const { database, pepper } = await openStartedWithPepper(config)
  try {
    const email = flags.get('email')?.[0]
    const key = await createAdminKeyOnHost(database, pepper, realWorld, { name, email, expires_in_seconds })
    const ends = expires_in_seconds
      ? `until ${new Date((seconds(realWorld) + expires_in_seconds) * 1000).toISOString()}`
      : 'without an end'
    err(`Admin key ${key.id} of ${key.owner_email}, ${ends}. Its value is shown this once:\n`)
    out(`${key.value}\n`)
    return 0
  } catch (error) {
    if (error instanceof NoSuchOwner) throw new Failed(error.message)
    throw error
  } finally {
    await database.close()
  }
}

export async function linkInviteOf(
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file' | 'public_url' | 'host' | 'port'>,
  id: string,
  { out, err }: Terminal,
): Promise<ExitCode> {
  const { database, pepper } = await openStartedWithPepper(config)
  try {
    const { token, email, expires_at } = await linkInvite(database, pepper, realWorld, id)
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

export async function verifyAudit(config: Pick<Config, 'database'>, { out, err }: Terminal): Promise<ExitCode> {
  const database = await openStarted(config)
  try {
    const { rows, broken, newest } = await verifyChain(database.read)
    if (broken) {
      const { organization_id, seq, why } = broken
      err(`keyhall: The audit log of ${organization_id} is broken at seq ${seq}: ${why}.\n`)
      return 1
    }
    out(`The audit log is whole: ${rows} ${rows === 1 ? 'row' : 'rows'}.\n`)
    for (const { organization_id, seq, hash } of newest)
      out(`${organization_id} seq ${seq} hash ${Buffer.from(hash).toString('hex')}\n`)
    return 0
  } finally {
    await database.close()
  }
}
