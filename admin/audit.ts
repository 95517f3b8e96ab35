/**
 * The audit log as a chain: `hash_n = SHA-256(hash_{n-1} ‖ length ‖ canonical bytes_n)`, per organization. Rows are written in the
 * transaction of the change: no row, no change.
 */
import { createHash } from 'node:crypto'
import type { AuditEvent, AuditPayload } from '../contract/audit.ts'
import type { Sql } from '../database/open.ts'
import { statement } from '../database/statement.ts'
import type { AuditHeadRow, AuditLogRow } from '../database/tables.ts'

/** Who did it, from where. */
export interface Actor {
  /** The admin key that made the call; null on the host itself. */
  key_id: string | null
  user_id: string | null
  email: string | null
  ip_address: string | null
  user_agent: string | null
}

export interface Happened<Event extends AuditEvent = AuditEvent> {
  id: string
  type: Event
  payload: AuditPayload<Event>
  project_id: string | null
}

export const FIRST_HASH = new Uint8Array(32)

/**
 * Takes the organization's audit head, and with it the right to change the organization: other changes of it wait. Answers besides the
 * time of the newest row, and the Default project.
 */
export const lockOrganization = statement((sql: Sql, $: { organization_id: string }) =>
  sql
    .updateTable('audit_heads')
    .set((row) => ({ seq: row.ref('seq') }))
    .where('organization_id', '=', $.organization_id)
    .returning((row) => [
      'organization_id',
      'seq',
      'hash',
      row
        .selectFrom('audit_logs as newest')
        .select('newest.effective_at')
        .whereRef('newest.organization_id', '=', 'audit_heads.organization_id')
        .whereRef('newest.seq', '=', 'audit_heads.seq')
        .as('newest_at'),
      row
        .selectFrom('projects as usual')
        .select('usual.id')
        .whereRef('usual.organization_id', '=', 'audit_heads.organization_id')
        .where('usual.is_default', '=', 1)
        .as('default_project_id'),
    ]),
)

const LARGEST_STEP_BACK = 300

/**
 * When the next row happened: not before the newest one, so that who reads on from a time misses nothing that was written meanwhile. A
 * clock that was wrong by more than five minutes is put right at once instead.
 */
export const notBefore = (newest_at: number | null, now: number) =>
  newest_at !== null && newest_at - now <= LARGEST_STEP_BACK ? Math.max(newest_at, now) : now

/** Appends events to the chain whose head was locked, and moves the head; answers where it is now. */
export async function appendEvents<Head extends AuditHeadRow>(
  sql: Sql,
  head: Head,
  events: readonly Happened[],
  actor: Actor,
  now: number,
): Promise<Head> {
  let { seq, hash }: AuditHeadRow = head
  for (const { id, type, payload, project_id } of events) {
    const entry = JSON.stringify({ id, type, effective_at: now, project_id, actor, [type]: payload })
    hash = link(hash, entry)
    seq += 1
    const row: AuditLogRow = {
      organization_id: head.organization_id,
      seq,
      id,
      type,
      effective_at: now,
      project_id,
      actor_id: actor.user_id,
      actor_email: actor.email,
      actor_key_id: actor.key_id,
      resource_id: payload.id,
      entry,
      hash,
    }
    await sql.insertInto('audit_logs').values(row).execute()
  }
  await sql.updateTable('audit_heads').set({ seq, hash }).where('organization_id', '=', head.organization_id).execute()
  return { ...head, seq, hash }
}

export interface Verdict {
  /** How many rows hold. */
  rows: number
  /** The first that does not, and why. */
  broken: { organization_id: string; seq: number; why: string } | null
  /** The newest link of each chain that holds. */
  newest: AuditHeadRow[]
}

/**
 * Walks the chain of every organization from its beginning, also while a server writes: the head is read before the rows, so that an
 * empty page means that the rows end where that head says.
 */
export async function verifyChain(sql: Sql): Promise<Verdict> {
  const verdict: Verdict = { rows: 0, broken: null, newest: [] }
  for (const organization_id of await organizationsOf(sql)) {
    let newest: AuditHeadRow = { organization_id, seq: 0, hash: FIRST_HASH }
    const broken = (seq: number, why: string) => ({ ...verdict, broken: { organization_id, seq, why } })
    for (;;) {
      const head = await headOf(sql, organization_id)
      const page = await rowsAfter(sql, newest)
      for (const row of page) {
        const seq = newest.seq + 1
        if (row.seq > seq) return broken(seq, `the row is missing (the next one has seq ${row.seq})`)
        if (row.seq < seq) return broken(seq, `a row was put in before it (with seq ${row.seq})`)
        const hash = link(newest.hash, row.entry)
        if (!same(hash, row.hash)) return broken(seq, 'its hash does not follow from its entry and the row before')
        const difference = disagreement(row)
        if (difference) return broken(seq, `its column "${difference}" does not agree with its entry`)
        newest = { organization_id, seq, hash }
        verdict.rows += 1
      }
      if (page.length > 0) continue
      if (!head) return broken(newest.seq, 'the head of the chain is missing')
      if (head.seq > newest.seq)
        return broken(newest.seq + 1, `the row is missing (the head says that the newest is ${head.seq})`)
      if (head.seq < newest.seq || !same(head.hash, newest.hash))
        return broken(newest.seq, 'the head of the chain does not agree with this last row')
      break
    }
    verdict.newest.push(newest)
  }
  return verdict
}

/** All that have a head or rows, or should have: a chain must not vanish with its head. */
const organizationsOf = async (sql: Sql) =>
  (
    await sql
      .selectFrom('organizations')
      .select('id')
      .union(sql.selectFrom('audit_heads').select('organization_id as id'))
      .union(sql.selectFrom('audit_logs').select('organization_id as id'))
      .orderBy('id')
      .execute()
  ).map(({ id }) => id)

const headOf = (sql: Sql, organization_id: string) =>
  sql.selectFrom('audit_heads').selectAll().where('organization_id', '=', organization_id).executeTakeFirst()

/** The rows after a link; after none, also those that somebody put in before the first. */
const rowsAfter = (sql: Sql, { organization_id, seq }: AuditHeadRow) =>
  sql
    .selectFrom('audit_logs')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('seq', '>', seq || Number.MIN_SAFE_INTEGER)
    .orderBy('seq')
    .limit(1000)
    .execute()

function link(before: Uint8Array, entry: string): Uint8Array {
  const bytes = Buffer.from(entry, 'utf8')
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(bytes.length))
  return createHash('sha256').update(before).update(length).update(bytes).digest()
}

const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

/** The columns repeat parts of the entry, for filters: a column that was changed alone is a break too. */
function disagreement(row: AuditLogRow) {
  const entry = parsed(row.entry)
  if (!entry?.actor) return 'entry'
  const expected = {
    id: entry.id,
    type: entry.type,
    effective_at: entry.effective_at,
    project_id: entry.project_id,
    actor_id: entry.actor.user_id,
    actor_email: entry.actor.email,
    actor_key_id: entry.actor.key_id,
    resource_id: entry[row.type]?.id ?? null,
  }
  return Object.entries(expected).find(([column, value]) => row[column as keyof AuditLogRow] !== value)?.[0]
}

/** Whoever forges a row and its hash need not have written JSON. */
function parsed(entry: string): Record<string, any> | null {
  try {
    return JSON.parse(entry) as Record<string, any> | null
  } catch {
    return null
  }
}
