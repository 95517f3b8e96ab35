/** The organization of a first start, filled with the demo where that is asked for. */
import { firstStart } from '../admin/bootstrap.ts'
import { fillDemo, whenDemoBegan } from '../admin/demo/demo.ts'
import type { Database } from '../database/types.ts'
import type { Pepper } from '../keys/digest.ts'
import { Failed } from '../world/failed.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { openFirstKeyFile } from './first-key-file.ts'

export type FirstOrganization = NonNullable<Awaited<ReturnType<typeof firstStart>>> & {
  /** Where the key was written; null where it is for the terminal, or the operator chose it. */
  key_file: string | null
}

type Settings = Pick<Config, 'demo' | 'owner_email' | 'admin_key' | 'first_key_file'>

/**
 * Null where the database has an organization. Away from a terminal, the key that is made goes into
 * a file. Throws Failed with a sentence.
 */
export async function makeOrganization(
  config: Settings,
  database: Database,
  pepper: Pepper,
  { isTerminal }: { isTerminal: boolean },
): Promise<FirstOrganization | null> {
  const { demo, owner_email, admin_key, first_key_file } = config
  const organizations = database.read.selectFrom('organizations').select('id').limit(1)
  const isFirst = (await organizations.execute()).length === 0
  if (demo && !isFirst)
    throw new Failed(
      'The database has an organization already, and the demo is for an empty one; start without --demo, or name another with --database.',
    )
  const file = isFirst && !isTerminal && admin_key === null ? openFirstKeyFile(first_key_file) : null
  try {
    const first = await firstStart(database, pepper, demo ? whenDemoBegan(realWorld) : realWorld, {
      owner_email,
      admin_key: admin_key?.reveal() ?? null,
    })
    // Another server that started at the same moment made it.
    if (!first) return null
    file?.keep(first.admin_key!)
    if (demo) await fillDemo(database, pepper, realWorld, first)
    return { ...first, key_file: file && first_key_file }
  } finally {
    file?.discard()
  }
}
