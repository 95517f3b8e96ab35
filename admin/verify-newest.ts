/**
 * Checks the newest rows of one audit log, for a call that cannot wait until all of them were
 * walked.
 */
import type { Sql } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import { emptyHead } from './audit-chain.ts'
import { BrokenLog, headOf, rowAt, walkChain, type BrokenChain, type ChainLink } from './verify-chain.ts'

interface NewestVerdict {
  /** As the head of the chain says; null for a log without events. */
  newest: ChainLink | null
  /** The first row that was checked; null where there is none. */
  checked_from: number | null
  broken: BrokenChain | null
}

/**
 * Walks the last `most` rows, and those that are appended meanwhile. The row before them is
 * believed.
 */
export async function verifyNewest(
  sql: Sql,
  peppers: Peppers,
  organization_id: string,
  most: number,
): Promise<NewestVerdict> {
  const head = await headOf(sql, organization_id)
  const before = Math.max(0, (head?.seq ?? 0) - most)
  let newest: ChainLink = head ?? emptyHead(organization_id)
  let broken: BrokenChain | null = null
  try {
    for await (const row of walkChain(sql, peppers, await linkAt(sql, organization_id, before)))
      if (row.seq > newest.seq) newest = row
  } catch (error) {
    if (!(error instanceof BrokenLog)) throw error
    broken = error.broken
  }
  if (newest.seq < 1) return { newest: null, checked_from: null, broken }
  return { newest, checked_from: before + 1, broken }
}

async function linkAt(sql: Sql, organization_id: string, seq: number): Promise<ChainLink> {
  if (seq === 0) return emptyHead(organization_id)
  const row = await rowAt(sql, organization_id, seq)
  if (!row) throw new BrokenLog(organization_id, seq, 'the row is missing')
  return row
}
