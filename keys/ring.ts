/** What a server needs to know about keys before it can verify one. */
import type { Database } from '../database/open.ts'
import { canary, sameBytes, type Pepper } from './digest.ts'
import type { World } from './world.ts'
import { UnknownKeys } from './unknown.ts'
import type { KeyRing } from './verify.ts'

/** The pepper is not the one that the keys in the database were digested with. */
export class WrongPepper extends Error {}

/** Checks the pepper against the canary, which the first start writes. Throws WrongPepper. */
export async function checkPepper(database: Database, pepper: Pepper): Promise<void> {
  const kept = await database.write(async (sql) => {
    await sql
      .insertInto('properties')
      .values({ name: 'pepper_canary', value: canary(pepper) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return sql.selectFrom('properties').select('value').where('name', '=', 'pepper_canary').executeTakeFirstOrThrow()
  })
  if (!sameBytes(Buffer.from(kept.value), Buffer.from(canary(pepper)))) throw new WrongPepper()
}

export async function loadKeyRing(database: Database, pepper: Pepper, world: World): Promise<KeyRing> {
  const foreign = await database.read
    .selectFrom('admin_api_keys')
    .select('id')
    .where('is_foreign', '=', 1)
    .where('deleted_at', 'is', null)
    .limit(1)
    .execute()
  return { pepper, unknown: new UnknownKeys(world), foreign: foreign.length > 0 }
}
