/**
 * Seals the heads of an audit log that was written before there were seals, once, in the
 * transaction of the upgrade.
 */
import type { AuditHeadRow } from '../database/tables.ts'
import type { Upgrade } from '../database/types.ts'
import type { Pepper } from '../keys/digest.ts'
import { auditSeals } from '../database/migrations/010-audit-seals.ts'
import { sealHead } from './audit-seal.ts'

/**
 * A head without a seal may be trusted in this transaction only: later, somebody without the pepper
 * could have removed the seal. The existing rows get no seals; the seal of the head covers them.
 */
export async function sealUpgraded({ applied, run, literal }: Upgrade, pepper: Pepper) {
  if (!applied.includes(auditSeals.name)) return
  for (const row of await run('select organization_id, seq, hash from audit_heads')) {
    const { organization_id, hash, ...head } = row as Pick<AuditHeadRow, 'organization_id' | 'hash'> & { seq: unknown }
    // Statements of an upgrade return numbers in the engine's own type.
    const seq = Number(head.seq)
    const sealed_from = seq + 1
    const { seal, pepper_name } = sealHead(pepper, { organization_id, seq, hash, sealed_from, doubtful_seq: null })
    await run(`update audit_heads
      set sealed_from = ${sealed_from}, seal = ${literal(seal!)}, pepper_name = '${pepper_name}'
      where organization_id = '${organization_id.replaceAll("'", "''")}'`)
  }
}
