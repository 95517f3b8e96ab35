/** `keyhall console link EMAIL`: a link with which a person can sign in, without a mail server. */
import { addLink, peopleWith, signInLink } from '../admin/sessions/sign-in-links.ts'
import type { Database } from '../database/types.ts'
import { isOrganizationOwner } from '../keys/access.ts'
import { Failed, type ExitCode } from '../world/failed.ts'
import { printable } from '../world/printable.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { urlOf } from './greeting.ts'
import { openStartedWithPepper } from './open-storage.ts'

const MOST_OWNERS = 5

export async function consoleLink(
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file' | 'public_url' | 'host' | 'port'>,
  email: string,
  { out, err }: Terminal,
): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const [person] = await peopleWith(database.read, email)
    if (!person) throw new Failed(await nobody(database, email))
    const { token, expires_at } = await database.write((sql) => addLink(sql, peppers, realWorld, person))
    const ends = new Date(expires_at * 1000).toISOString()
    err(`The link for ${printable(person.email)} works once, until ${ends}. Whoever has it can sign in as them:\n`)
    out(`${signInLink(config.public_url ?? urlOf(config.host, config.port), token)}\n`)
    return 0
  } finally {
    await database.close()
  }
}

async function nobody(database: Database, email: string): Promise<string> {
  const owners = await database.read
    .selectFrom('users as user')
    .select('user.email')
    .where('user.deleted_at', 'is', null)
    .where(isOrganizationOwner('user.organization_id', 'user.id'))
    .orderBy('user.created_at')
    .limit(MOST_OWNERS)
    .execute()
  const known = owners.map((owner) => printable(owner.email)).join(', ')
  return `Nobody in the organization has the address ${printable(email)}. Its owners: ${known}.`
}
