/**
 * The keys whose seal was made with a pepper that is retired. No server can check such a seal any
 * more, so a server remembers 32 bits of the digest of each of these keys. That takes four bytes a
 * key, and lets one guess in four thousand million through to storage for each such key.
 */
import { sql as raw } from 'kysely'
import type { Sql } from '../database/types.ts'

export class OldSeals {
  readonly #prefixes: Uint32Array

  constructor(digests: readonly Uint8Array[]) {
    this.#prefixes = Uint32Array.from(digests, prefixOfBytes).toSorted()
  }

  /** `digest` is under the current pepper, as a latin1 string. */
  mayHave(digest: string): boolean {
    const prefixes = this.#prefixes
    const sought = prefixOf(digest)
    let [low, high] = [0, prefixes.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = prefixes[middle]!
      if (found === sought) return true
      if (found < sought) low = middle + 1
      else high = middle - 1
    }
    return false
  }
}

export async function loadOldSeals(sql: Sql): Promise<OldSeals> {
  // The 1 is written out: with a placeholder SQLite does not know that the index of such keys has
  // them all, and would read every key at each start.
  const of = (table: 'api_keys' | 'admin_api_keys') =>
    sql
      .selectFrom(table)
      .select('digest')
      .where('is_redigested', '=', raw.lit(1))
      .where('deleted_at', 'is', null)
      .execute()
  const rows = [...(await of('api_keys')), ...(await of('admin_api_keys'))]
  return new OldSeals(rows.map(({ digest }) => digest))
}

const prefixOfBytes = (digest: Uint8Array) => Buffer.from(digest.buffer, digest.byteOffset, 4).readUInt32BE()

const prefixOf = (digest: string) =>
  ((digest.charCodeAt(0) << 24) | (digest.charCodeAt(1) << 16) | (digest.charCodeAt(2) << 8) | digest.charCodeAt(3)) >>>
  0
