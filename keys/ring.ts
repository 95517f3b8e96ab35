/** What a server needs to know about keys before it can verify one. */
import type { Database } from '../database/open.ts'
import { canary, nameOf, sameBytes, type Pepper } from './digest.ts'
import { isSealed, type parseKey } from './format.ts'
import type { World } from './world.ts'
import { UnknownKeys } from './unknown.ts'

export interface KeyRing {
  pepper: Pepper
  unknown: UnknownKeys
  /** The digests of the living keys that Keyhall did not make; they are made at the first start only. */
  foreign: ReadonlySet<string>
  /** Whether the database is from a time when keys had no seal: then one without can be alive. */
  unsealed: boolean
}

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
    .select('digest')
    .where('is_foreign', '=', 1)
    .where('deleted_at', 'is', null)
    .execute()
  const unsealed = await database.read
    .selectFrom('properties')
    .select('value')
    .where('name', '=', 'unsealed_keys')
    .execute()
  return {
    pepper,
    unknown: new UnknownKeys(world),
    foreign: new Set(foreign.map(({ digest }) => nameOf(digest))),
    unsealed: unsealed.length > 0,
  }
}

/**
 * Whether storage can know a token: Keyhall sealed it, or it is one of the few that Keyhall did not make; and it was not looked for in vain
 * a moment ago. So a guess, however well formed, never reaches storage. `name` is its digest's.
 */
export function isPossible(
  { pepper, unknown, foreign, unsealed }: KeyRing,
  token: string,
  parsed: ReturnType<typeof parseKey>,
  name: string,
): boolean {
  const isOurs = parsed?.checked === true && (unsealed || isSealed(pepper, token))
  return (isOurs || foreign.has(name)) && !unknown.has(name)
}
