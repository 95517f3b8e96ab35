/**
 * The audit log is a hash chain for each organization: `hash_n = SHA-256(hash_{n-1} ‖ length ‖
 * canonical bytes_n)`. Rows are written in the transaction of the change: no row, no change. Rows
 * and the head also have seals (audit-seal.ts).
 */
import { createHash } from 'node:crypto'
import { resourceIdOf, type AuditEvent, type AuditPayload } from '../contract/audit-events.ts'
import type { Sql } from '../database/types.ts'
import { statement } from '../database/statement.ts'
import type { AuditHeadRow, AuditLogRow } from '../database/tables.ts'
import type { Peppers } from '../keys/digest.ts'
import { sealHead, sealRow, stateOfHead } from './audit-seal.ts'

/** Who did it, from where. */
export interface Actor {
  /** The admin key that made the call; null on the host itself. */
  key_id: string | null
  user_id: string | null
  email: string | null
  ip_address: string | null
  user_agent: string | null
}

export interface RecordedEvent<Event extends AuditEvent = AuditEvent> {
  id: string
  type: Event
  payload: AuditPayload<Event>
  project_id: string | null
}

const FIRST_HASH = new Uint8Array(32)

/** The head of a chain that has no row yet. */
export const emptyHead = (organization_id: string): Omit<AuditHeadRow, 'seal' | 'pepper_name'> => ({
  organization_id,
  seq: 0,
  hash: FIRST_HASH,
  sealed_from: 1,
  doubtful_seq: null,
})

/**
 * Locks the organization's audit head, so that other changes of the organization wait. Also returns
 * the time of the newest row and the id of the Default project.
 */
export const lockOrganization = statement((sql: Sql, params: { organization_id: string }) =>
  sql
    .updateTable('audit_heads')
    .set((row) => ({ seq: row.ref('seq') }))
    .where('organization_id', '=', params.organization_id)
    .returning((row) => [
      'organization_id',
      'seq',
      'hash',
      'sealed_from',
      'doubtful_seq',
      'seal',
      'pepper_name',
      row
        .selectFrom('audit_logs as newest')
        .select('newest.effective_at')
        .whereRef('newest.organization_id', '=', 'audit_heads.organization_id')
        .whereRef('newest.seq', '=', 'audit_heads.seq')
        .as('newest_at'),
      row
        .selectFrom('projects as default_project')
        .select('default_project.id')
        .whereRef('default_project.organization_id', '=', 'audit_heads.organization_id')
        .where('default_project.is_default', '=', 1)
        .as('default_project_id'),
    ]),
)

const LARGEST_STEP_BACK = 300

/**
 * The time of the next row: never earlier than the newest row's, so that whoever polls by time
 * misses none. Where the newest row is more than five minutes ahead, because the clock was wrong,
 * the present time is used all the same.
 */
export const notBefore = (newest_at: number | null, now: number) =>
  newest_at !== null && newest_at - now <= LARGEST_STEP_BACK ? Math.max(newest_at, now) : now

/**
 * Appends events to the chain whose head was locked, and moves the head. Returns the new head.
 *
 * The new head gets a valid seal. If the old head had none, it was changed by somebody without the
 * pepper, or by an older version of Keyhall that makes no seals. The new seal must not hide that,
 * so it also covers `doubtful_seq`, by which `keyhall audit verify` finds it later.
 */
export async function appendEvents<Head extends AuditHeadRow>(
  sql: Sql,
  peppers: Peppers,
  head: Head,
  events: readonly RecordedEvent[],
  actor: Actor,
  now: number,
): Promise<Head> {
  let { seq, hash, sealed_from, doubtful_seq }: AuditHeadRow = head
  const { organization_id } = head
  if (stateOfHead(peppers, head) !== 'valid') {
    doubtful_seq = Math.min(doubtful_seq ?? Infinity, seq + 1)
    sealed_from ??= seq + 1
  }
  for (const { id, type, payload, project_id } of events) {
    const entry = JSON.stringify({ id, type, effective_at: now, project_id, actor, [type]: payload })
    hash = link(hash, entry)
    seq += 1
    const row: AuditLogRow = {
      organization_id,
      seq,
      id,
      type,
      effective_at: now,
      project_id,
      actor_id: actor.user_id,
      actor_email: actor.email,
      actor_key_id: actor.key_id,
      resource_id: resourceIdOf(payload),
      entry,
      hash,
      ...sealRow(peppers[0], { organization_id, seq, hash }),
    }
    await sql.insertInto('audit_logs').values(row).execute()
  }
  const moved = sealHead(peppers[0], { organization_id, seq, hash, sealed_from, doubtful_seq })
  await sql.updateTable('audit_heads').set(moved).where('organization_id', '=', organization_id).execute()
  return { ...head, ...moved }
}

/** The hash of a row, from the hash of the row before it and its own entry. */
export function link(before: Uint8Array, entry: string): Uint8Array {
  const bytes = Buffer.from(entry, 'utf8')
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(bytes.length))
  return createHash('sha256').update(before).update(length).update(bytes).digest()
}
