/** What a server needs to know about keys before it can verify one. */
import type { Database } from '../database/types.ts'
import { asLatin1, latin1Digest, type Pepper, type Peppers } from './digest.ts'
import { isSealed, type parseKey } from './format.ts'
import type { KnownKeys } from './key-mac.ts'
import { NegativeCache } from './negative-cache.ts'
import { loadOldSeals, type OldSeals } from './old-seals.ts'
import { Redigests } from './redigests.ts'
import type { World } from '../world/world.ts'

export interface KeyRing {
  /** The current pepper, which makes new digests, seals and MACs. */
  pepper: Pepper
  /** Those that are accepted, the current one first. */
  peppers: Peppers
  unknown: NegativeCache
  /**
   * The digests of the living keys that Keyhall did not make; they are made at the first start
   * only.
   */
  imported: ReadonlySet<string>
  /** Whether the database is from a time when keys had no seal: then one without can be alive. */
  unsealed: boolean
  /** The keys whose seal was made with a pepper that is retired. */
  oldSeals: OldSeals
  /** Writes digests under the current pepper for keys that are used. */
  redigests: Redigests
  /**
   * Whether the revocations file says that this key is deleted, or was changed after this version
   * of its row: then the row was put back from an older copy.
   */
  isRevoked: KnownKeys['isRevoked']
  /** Somebody without the pepper changed the row of this key; it was refused. */
  reportForged: (key_id: string) => void
}

export interface KeyRingEvents {
  isRevoked: KnownKeys['isRevoked']
  onForged: (key_id: string) => void
  onError: (error: unknown) => void
}

export async function loadKeyRing(
  database: Database,
  peppers: Peppers,
  world: World,
  { isRevoked, onForged, onError }: KeyRingEvents,
): Promise<KeyRing> {
  const imported = await database.read
    .selectFrom('admin_api_keys')
    .select('digest')
    .where('is_imported', '=', 1)
    .where('deleted_at', 'is', null)
    .execute()
  const unsealed = await database.read
    .selectFrom('metadata')
    .select('value')
    .where('name', '=', 'unsealed_keys')
    .execute()
  return {
    pepper: peppers[0],
    peppers,
    unknown: new NegativeCache(world),
    imported: new Set(imported.map(({ digest }) => asLatin1(digest))),
    unsealed: unsealed.length > 0,
    oldSeals: await loadOldSeals(database.read),
    redigests: new Redigests(database, peppers, onError),
    isRevoked,
    reportForged: onForged,
  }
}

/**
 * Whether storage can know a token: it has our seal or is one of the few imported keys, and is not
 * in the negative cache. So a guess, however well formed, never reaches storage. `digest` is the
 * token's under the current pepper, as a latin1 string.
 */
export function isPossible(
  { peppers, unknown, imported, unsealed, oldSeals }: KeyRing,
  token: string,
  parsed: ReturnType<typeof parseKey>,
  digest: string,
): boolean {
  if (unknown.has(digest)) return false
  if (parsed?.checked === true)
    if (unsealed || peppers.some((pepper) => isSealed(pepper, token)) || oldSeals.mayHave(digest)) return true
  return imported.size > 0 && peppers.some((pepper) => imported.has(latin1Digest(pepper, token)))
}
