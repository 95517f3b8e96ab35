/**
 * `keyhall audit accept`: seals the audit log as it is, for an operator who knows why a head had no
 * valid seal.
 */
import type { Database } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import { lockOrganization } from './audit-chain.ts'
import { sealHead } from './audit-seal.ts'
import { verifyChain, type BrokenChain } from './verify-chain.ts'

export interface Acceptance {
  accepted: BrokenChain[]
  /** A chain that cannot be accepted, because the hash of a row does not hold. */
  broken: BrokenChain | null
}

/** Seals the heads that have no valid seal, if the hashes of all rows hold. */
export async function acceptChain(database: Database, peppers: Peppers): Promise<Acceptance> {
  return database.write(async (sql) => {
    const accepted: BrokenChain[] = []
    for (;;) {
      const { broken } = await verifyChain(sql, peppers)
      if (!broken?.acceptable) return { accepted, broken }
      const { organization_id } = broken
      const [head] = await lockOrganization(sql, { organization_id })
      const { last } = await sql
        .selectFrom('audit_logs')
        .select(({ fn }) => fn.max('seq').as('last'))
        .where('organization_id', '=', organization_id)
        .where('seal', 'is', null)
        .executeTakeFirstOrThrow()
      const { seq, hash } = head!
      const sealed_from = (last ?? 0) + 1
      await sql
        .updateTable('audit_heads')
        .set(sealHead(peppers[0], { organization_id, seq, hash, sealed_from, doubtful_seq: null }))
        .where('organization_id', '=', organization_id)
        .execute()
      accepted.push(broken)
    }
  })
}
