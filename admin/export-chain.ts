/**
 * `keyhall audit export`: the rows of the audit log as signed JSON lines, each checked before it is
 * written.
 */
import type { Sql } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import { emptyHead } from './audit-chain.ts'
import { signingKey } from './audit-signing.ts'
import { BrokenLog, organizationsOf, rowAt, walkChain, type ChainLink } from './verify-chain.ts'

/** Where an export goes on: the last link of each organization that was exported. */
export type Exported = Map<string, { seq: number; hash: string }>

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/**
 * The lines after those that were exported before, without line ends. It notes the last link of
 * each organization in `exported`. Throws BrokenLog at the first row that does not hold, and when
 * the log is not the one that was exported before.
 */
export async function* exportLines(sql: Sql, peppers: Peppers, exported: Exported): AsyncGenerator<string> {
  const key = signingKey(peppers[0])
  for (const organization_id of await organizationsOf(sql)) {
    let before = await lastExported(sql, organization_id, exported)
    for await (const row of walkChain(sql, peppers, before)) {
      // The entry is put in as it is stored, because the hash covers its bytes.
      const start = JSON.stringify({
        organization_id,
        seq: row.seq,
        hash: hex(row.hash),
        previous_hash: hex(before.hash),
      })
      const signed = `${start.slice(0, -1)},"event":${row.entry},"key":"${key.id}"}`
      yield `${signed.slice(0, -1)},"signature":"${key.sign(signed)}"}`
      before = row
      exported.set(organization_id, { seq: row.seq, hash: hex(row.hash) })
    }
  }
}

/** The row after which to go on. It must still be the one that was exported. */
async function lastExported(sql: Sql, organization_id: string, exported: Exported): Promise<ChainLink> {
  const last = exported.get(organization_id)
  if (!last || last.seq === 0) return emptyHead(organization_id)
  const row = await rowAt(sql, organization_id, last.seq)
  if (!row)
    throw new BrokenLog(
      organization_id,
      last.seq,
      'the row is missing, and was exported before: the end was cut off, or the database is an older one',
    )
  if (last.hash !== '' && hex(row.hash) !== last.hash)
    throw new BrokenLog(
      organization_id,
      last.seq,
      'the row is not the one that was exported before: the log was written anew',
    )
  return row
}
