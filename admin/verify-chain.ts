/**
 * `keyhall audit verify`: walks the audit log of every organization and finds the first row that is
 * not what Keyhall wrote.
 */
import { resourceIdOf, type AuditEvent, type AuditPayload } from '../contract/audit-events.ts'
import type { Sql } from '../database/types.ts'
import type { AuditHeadRow, AuditLogRow } from '../database/tables.ts'
import type { Peppers } from '../keys/digest.ts'
import { emptyHead, link } from './audit-chain.ts'
import { stateOfHead, stateOfRow, type SealState } from './audit-seal.ts'

/** A link of a chain that somebody noted outside the database. */
export interface NotedLink {
  /** Null when it was noted without one: then it must be in the chain of any organization. */
  organization_id: string | null
  seq: number
  /** In hexadecimal. */
  hash: string
}

export type ChainLink = Pick<AuditLogRow, 'organization_id' | 'seq' | 'hash'>

export interface BrokenChain {
  organization_id: string
  /** The first row that does not hold. */
  seq: number
  /** The end of the sentence "The audit log … is broken at seq …: ". */
  why: string
  /**
   * Only the seal of a head is at fault, so that "keyhall audit accept" can seal the chain as it
   * is.
   */
  acceptable: boolean
}

export interface Verdict {
  /** How many rows are whole. */
  rows: number
  /** How many of them are from before there were seals. */
  unsealed: number
  broken: BrokenChain | null
  /** The newest link of each chain that holds. */
  newest: ChainLink[]
}

/** Thrown by a walk at the first row that does not hold. */
export class BrokenLog extends Error {
  readonly broken: BrokenChain
  constructor(organization_id: string, seq: number, why: string, { acceptable = false } = {}) {
    super(why)
    this.broken = { organization_id, seq, why, acceptable }
  }
}

/**
 * Walks all chains from their beginning, also while a server writes. Each noted link must be in one
 * of them.
 */
export async function verifyChain(sql: Sql, peppers: Peppers, noted: readonly NotedLink[] = []): Promise<Verdict> {
  const verdict: Verdict = { rows: 0, unsealed: 0, broken: null, newest: [] }
  const links = new NotedLinks(noted)
  try {
    for (const organization_id of await organizationsOf(sql)) {
      let newest: ChainLink = emptyHead(organization_id)
      for await (const row of walkChain(sql, peppers, emptyHead(organization_id))) {
        newest = row
        verdict.rows += 1
        if (row.seal === null) verdict.unsealed += 1
        links.meet(row)
      }
      verdict.newest.push({ organization_id, seq: newest.seq, hash: newest.hash })
    }
    links.requireMet(verdict.newest)
  } catch (error) {
    if (!(error instanceof BrokenLog)) throw error
    verdict.broken = error.broken
  }
  return verdict
}

/**
 * The rows of one chain after a link, each after it was checked. Throws BrokenLog at the first that
 * does not hold, or at the end when the head does not. The head is read before each page of rows,
 * so that an empty page means that the rows end where that head says, also while a server appends.
 */
export async function* walkChain(sql: Sql, peppers: Peppers, from: ChainLink): AsyncGenerator<AuditLogRow> {
  let newest = from
  for (;;) {
    const head = await headOf(sql, from.organization_id)
    const page = await rowsAfter(sql, newest)
    for (const row of page) {
      requireNext(row, newest, head, peppers)
      newest = row
      yield row
    }
    if (page.length > 0) continue
    return requireHead(head, newest, peppers)
  }
}

/** Throws BrokenLog unless the row follows the one before it and has the seal that it must have. */
export function requireNext(row: AuditLogRow, before: ChainLink, head: AuditHeadRow | undefined, peppers: Peppers) {
  const seq = before.seq + 1
  const broken = (why: string) => new BrokenLog(row.organization_id, seq, why)
  if (row.seq > seq) throw broken(`the row is missing (the next one has seq ${row.seq})`)
  if (row.seq < seq) throw broken(`a row was put in before it (with seq ${row.seq})`)
  if (!same(link(before.hash, row.entry), row.hash))
    throw broken('its hash does not follow from its entry and the row before')
  const column = differingColumn(row)
  if (column) throw broken(`its column "${column}" does not agree with its entry`)
  const state = stateOfRow(peppers, row)
  const mayLackSeal = row.seq < (head?.sealed_from ?? Infinity)
  if (state !== 'valid' && !(state === 'missing' && mayLackSeal)) throw broken(`${sealFault[state]} (of the row)`)
}

/**
 * Throws BrokenLog unless the rows end where the head says, the head has its seal, and so had every
 * head before it.
 */
export function requireHead(
  head: AuditHeadRow | undefined,
  { organization_id, seq, hash }: ChainLink,
  peppers: Peppers,
) {
  const broken = (at: number, why: string, options = {}) => new BrokenLog(organization_id, at, why, options)
  if (!head) throw broken(seq, 'the head of the chain is missing')
  if (head.seq > seq) throw broken(seq + 1, `the row is missing (the head says that the newest is ${head.seq})`)
  if (head.seq < seq || !same(head.hash, hash))
    throw broken(seq, 'the head of the chain does not agree with this last row')
  const state = stateOfHead(peppers, head)
  if (state !== 'valid')
    throw broken(seq, `${sealFault[state]} (of the head): rows after it were cut off, or the chain was written anew`, {
      acceptable: true,
    })
  if (head.doubtful_seq !== null)
    throw broken(
      head.doubtful_seq,
      'when this row was written, the head before it had no valid seal: rows had been cut off or changed by somebody without the pepper, or an older version of Keyhall had written to the database; "keyhall audit accept" seals the log when you know why',
      { acceptable: true },
    )
}

const sealFault: Record<Exclude<SealState, 'valid'>, string> = {
  wrong: 'its seal is not one that Keyhall made with its pepper',
  missing: 'its seal is missing',
  unknown: 'its seal was made with a pepper that this host does not have',
}

/** The noted links that the walk has not met yet. */
class NotedLinks {
  readonly #noted: readonly NotedLink[]
  readonly #met = new Set<NotedLink>()
  /** The hash that stands in the place of a noted link that was not met. */
  readonly #others = new Map<NotedLink, ChainLink>()

  constructor(noted: readonly NotedLink[]) {
    this.#noted = noted
  }

  meet(row: ChainLink) {
    for (const one of this.#noted) {
      if (one.seq !== row.seq || (one.organization_id ?? row.organization_id) !== row.organization_id) continue
      if (one.hash.toLowerCase() === Buffer.from(row.hash).toString('hex')) this.#met.add(one)
      else this.#others.set(one, row)
    }
  }

  requireMet(newest: readonly ChainLink[]) {
    for (const one of this.#noted) {
      if (this.#met.has(one)) continue
      const other = this.#others.get(one)
      if (other)
        throw new BrokenLog(
          other.organization_id,
          one.seq,
          'its hash is not the one of the link that was noted: the log was written anew',
        )
      const end = newest.find(({ organization_id }) => organization_id === (one.organization_id ?? organization_id))
      if (!end) throw new BrokenLog(one.organization_id ?? 'all organizations', one.seq, 'the whole chain is missing')
      throw new BrokenLog(
        end.organization_id,
        end.seq + 1,
        `the row is missing (a link with seq ${one.seq} was noted): the end was cut off, or the database is an older one`,
      )
    }
  }
}

/**
 * All organizations that have a head or rows, or should have: so a chain that was deleted with its
 * head is missed.
 */
export const organizationsOf = async (sql: Sql) =>
  (
    await sql
      .selectFrom('organizations')
      .select('id')
      .union(sql.selectFrom('audit_heads').select('organization_id as id'))
      .union(sql.selectFrom('audit_logs').select('organization_id as id'))
      .orderBy('id')
      .execute()
  ).map(({ id }) => id)

export const rowAt = (sql: Sql, organization_id: string, seq: number) =>
  sql
    .selectFrom('audit_logs')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('seq', '=', seq)
    .executeTakeFirst()

export const headOf = (sql: Sql, organization_id: string) =>
  sql.selectFrom('audit_heads').selectAll().where('organization_id', '=', organization_id).executeTakeFirst()

/**
 * The rows after a link. After the empty head, also rows that somebody inserted before the first
 * one.
 */
export const rowsAfter = (sql: Sql, { organization_id, seq }: ChainLink) =>
  sql
    .selectFrom('audit_logs')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('seq', '>', seq || Number.MIN_SAFE_INTEGER)
    .orderBy('seq')
    .limit(1000)
    .execute()

const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

/**
 * The columns repeat parts of the entry, for filters. Returns a column that does not agree with the
 * entry.
 */
function differingColumn(row: AuditLogRow) {
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
    resource_id: resourceIn(entry[row.type]),
  }
  return Object.entries(expected).find(([column, value]) => row[column as keyof AuditLogRow] !== value)?.[0]
}

/** Null for an entry that is no JSON: somebody may have forged the row and its hash. */
function parsed(entry: string): Record<string, any> | null {
  try {
    return JSON.parse(entry) as Record<string, any> | null
  } catch {
    return null
  }
}

/** Of a payload as it was written; somebody may have changed it, so it can be anything. */
function resourceIn(payload: unknown): string | null {
  try {
    return resourceIdOf(payload as AuditPayload<AuditEvent>) ?? null
  } catch {
    return null
  }
}
