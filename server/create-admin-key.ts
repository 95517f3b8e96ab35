/**
 * `keyhall admin-keys create`: an admin key for the operator, made on the host when no other is
 * left.
 */
import { createAdminKeyOnHost, NoSuchOwner } from '../admin/bootstrap.ts'
import { lifetimeOf } from '../world/durations.ts'
import { Failed, wrongUsage, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld, seconds } from '../world/world.ts'
import type { Config } from './config.ts'
import { openStartedWithPepper } from './open-storage.ts'

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
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const email = flags.get('email')?.[0]
    const key = await createAdminKeyOnHost(database, peppers, realWorld, { name, email, expires_in_seconds })
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
