/** The organization of a first start, filled with the demo where that is asked for. */
import { firstStart } from '../admin/bootstrap.ts'
import { fillDemo, whenDemoBegan } from '../admin/demo/demo.ts'
import type { Database } from '../database/types.ts'
import type { Pepper } from '../keys/digest.ts'
import { Failed } from '../world/failed.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'

export type FirstOrganization = NonNullable<Awaited<ReturnType<typeof firstStart>>>

/** Null where the database has an organization. Throws Failed with a sentence. */
export async function makeOrganization(
  { demo, owner_email, admin_key }: Pick<Config, 'demo' | 'owner_email' | 'admin_key'>,
  database: Database,
  pepper: Pepper,
): Promise<FirstOrganization | null> {
  const first = await firstStart(database, pepper, demo ? whenDemoBegan(realWorld) : realWorld, {
    owner_email,
    admin_key: admin_key?.reveal() ?? null,
  })
  if (!demo) return first
  if (!first)
    throw new Failed(
      'The database has an organization already, and the demo is for an empty one; start without --demo, or name another with --database.',
    )
  await fillDemo(database, pepper, realWorld, first)
  return first
}
