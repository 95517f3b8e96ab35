/**
 * Keeps the revocations file up to date with the audit log: after each change that revokes, and
 * every few seconds for those of other servers. At a start it applies the file to a database that
 * is older.
 */
import type { AuditEvent, AuditPayload } from '../../contract/audit-events.ts'
import type { Database, Sql } from '../../database/types.ts'
import type { AuditLogRow } from '../../database/tables.ts'
import type { Peppers } from '../../keys/digest.ts'
import type { Invalidation } from '../../revocation/invalidation.ts'
import { singleFlight } from '../../revocation/single-flight.ts'
import { seconds, type World } from '../../world/world.ts'
import { recordOnHost } from '../bootstrap.ts'
import { deleteAllLinks } from '../sessions/sign-in-links.ts'
import { endAllSessions } from '../sessions/start-session.ts'
import { headOf, organizationsOf, rowAt } from '../verify-chain.ts'
import { applyState, type AppliedEvent } from './apply.ts'
import type { KeptLine, LinkLine, RevocationLine, RevocationsFile } from './append-only-file.ts'
import { readState } from './state.ts'
import { revokingEvents, subjectOf } from './subject.ts'

const ROWS_AT_A_TIME = 500
const MOST_KEYS = 200_000

/** What the start found out about one organization's part of the database. */
export interface Finding {
  organization_id: string
  /** The newest change in the database. */
  database: { seq: number; at: number | null }
  /** The newest row in the file; null when the file has none of the organization. */
  file: { seq: number; at: number } | null
  /** The database is older than the file, or its audit log is another one. */
  isOlder: boolean
  /** What was taken away again. */
  applied: AppliedEvent[]
}

export interface StartFindings {
  /** False when there was no file, so that it is not known whether the database is the newest. */
  hadFile: boolean
  /** Lines without a valid MAC. */
  rejected: number
  organizations: Finding[]
}

export class RevocationKeeper {
  readonly #database: Pick<Database, 'read' | 'write'>
  readonly #peppers: Peppers
  readonly #world: World
  readonly #file: RevocationsFile
  /** The last row of the audit log that the file covers, by organization. */
  readonly #covered = new Map<string, number>()
  readonly #versions = new NewestVersions()
  #forget: (key: Invalidation) => void = () => {}
  readonly #writing = singleFlight(() => this.#catchUp())

  constructor(database: Pick<Database, 'read' | 'write'>, peppers: Peppers, world: World, file: RevocationsFile) {
    this.#database = database
    this.#peppers = peppers
    this.#world = world
    this.#file = file
  }

  /**
   * Compares database and file, and applies the file to an older database. Call it first. `forget`
   * drops a cached key: its row may have been an older one, read before this server heard of the
   * change.
   */
  async start({ forget }: { forget: (key: Invalidation) => void }): Promise<StartFindings> {
    this.#forget = forget
    const kept = await this.#file.read()
    if (kept?.isOutdated) await this.#file.rewrite(kept.lines)
    for (const line of kept?.lines ?? []) this.#versions.note(line)
    const organizations: Finding[] = []
    for (const organization_id of await organizationsOf(this.#database.read)) {
      const lines = (kept?.lines ?? []).filter((line) => line.organization_id === organization_id)
      organizations.push(await this.#compare(organization_id, lines))
    }
    await this.writeLinks()
    return { hadFile: kept !== null, rejected: kept?.rejected ?? 0, organizations }
  }

  /**
   * Writes the revocations that are committed and not in the file yet. Throws when the file cannot
   * be written; nothing is lost then.
   */
  catchUp(): Promise<void> {
    return this.#writing.fresh()
  }

  /**
   * Whether the file says that a key is deleted, or was changed after this version of its row; of
   * the keys that were deleted or changed last.
   */
  isRevoked = (key_id: string, version = 0): boolean => version < this.#versions.of(key_id)

  /**
   * Writes the revocations that are missing in the file, and then the newest link of each audit
   * log.
   */
  async writeLinks() {
    await this.catchUp()
    const links: LinkLine[] = []
    for (const [organization_id, seq] of this.#covered) {
      const row = await rowAt(this.#database.read, organization_id, seq)
      if (row)
        links.push({
          type: 'link',
          organization_id,
          seq,
          at: row.effective_at,
          hash: Buffer.from(row.hash).toString('hex'),
        })
    }
    await this.#file.append(links)
  }

  async #compare(organization_id: string, lines: readonly KeptLine[]): Promise<Finding> {
    const head = await headOf(this.#database.read, organization_id)
    const newest = head && (await rowAt(this.#database.read, organization_id, head.seq))
    const database = { seq: head?.seq ?? 0, at: newest?.effective_at ?? null }
    const last = lines.at(-1)
    const file = last ? { seq: last.seq, at: last.at } : null
    const missing = await this.#missing(organization_id, lines)
    const isOlder = missing.length > 0
    // The revocations that an older database lost are in the file, and those that it has are older.
    this.#covered.set(organization_id, isOlder || !last ? database.seq : last.seq)
    const applied = isOlder ? await this.#apply(organization_id, missing) : []
    return { organization_id, database, file, isOlder, applied }
  }

  /** The lines at the end of the file that the audit log of this database does not have. */
  async #missing(organization_id: string, lines: readonly KeptLine[]): Promise<KeptLine[]> {
    let at = lines.length
    while (at > 0 && !(await this.#isKnown(organization_id, lines[at - 1]!))) at -= 1
    return lines.slice(at)
  }

  async #isKnown(organization_id: string, line: KeptLine): Promise<boolean> {
    const row = await rowAt(this.#database.read, organization_id, line.seq)
    if (!row) return false
    return line.type === 'link' ? Buffer.from(row.hash).toString('hex') === line.hash : row.id === line.event_id
  }

  /**
   * In one transaction, and with audit events. All sessions end: which of them ended later, by a
   * role that was lost or by time, an older database does not know. Nor does it know which links to
   * sign in were used.
   */
  async #apply(organization_id: string, missing: readonly KeptLine[]): Promise<AppliedEvent[]> {
    // The last state of a subject includes all before.
    const last = new Map<string, RevocationLine>()
    for (const line of missing) if (line.type === 'revocation') last.set(`${line.kind} ${line.id}`, line)
    const now = seconds(this.#world)
    return this.#database.write(async (sql) => {
      const events: AppliedEvent[] = []
      await endAllSessions(sql, organization_id, now)
      await deleteAllLinks(sql, organization_id)
      for (const line of last.values())
        events.push(...(await applyState(sql, this.#peppers, organization_id, line, line.state, now)))
      if (events.length > 0)
        await recordOnHost(
          sql,
          this.#peppers,
          this.#world,
          organization_id,
          events.map((event) => ({ ...event, project_id: null })),
        )
      return events
    })
  }

  #note(line: RevocationLine) {
    this.#versions.note(line)
    if (line.kind === 'key') this.#forget({ organization_id: line.organization_id, scope: 'key', id: line.id })
  }

  async #catchUp() {
    for (const organization_id of this.#covered.keys()) {
      for (;;) {
        const { read } = this.#database
        const head = await headOf(read, organization_id)
        const covered = this.#covered.get(organization_id)!
        if (!head || head.seq <= covered) break
        const rows = await revokingRows(read, organization_id, covered, head.seq)
        const lines: RevocationLine[] = []
        for (const row of rows) lines.push(...(await lineOf(read, this.#peppers, row)))
        for (const line of lines) this.#note(line)
        await this.#file.append(lines)
        this.#covered.set(organization_id, rows.length === ROWS_AT_A_TIME ? rows.at(-1)!.seq : head.seq)
      }
    }
  }
}

/**
 * Of the keys that were deleted or changed last the newest version, and of the sessions that were
 * ended: each takes about 100 bytes.
 */
class NewestVersions {
  readonly #versions = new Map<string, number>()

  note(line: KeptLine) {
    if (line.type !== 'revocation' || (line.kind !== 'key' && line.kind !== 'session')) return
    const version = line.state.alive ? line.state.version : Infinity
    if (version === undefined) return
    const newest = Math.max(version, this.of(line.id))
    this.#versions.delete(line.id)
    this.#versions.set(line.id, newest)
    if (this.#versions.size > MOST_KEYS)
      for (const oldest of this.#versions.keys()) return void this.#versions.delete(oldest)
  }

  /** 0 for a key that the file does not know. */
  of = (id: string) => this.#versions.get(id) ?? 0
}

const revokingRows = (sql: Sql, organization_id: string, after: number, until: number) =>
  sql
    .selectFrom('audit_logs')
    .select(['organization_id', 'seq', 'id', 'type', 'effective_at', 'entry'])
    .where('organization_id', '=', organization_id)
    .where('seq', '>', after)
    .where('seq', '<=', until)
    .where('type', 'in', revokingEvents)
    .orderBy('seq')
    .limit(ROWS_AT_A_TIME)
    .execute()

async function lineOf(
  sql: Sql,
  peppers: Peppers,
  row: Pick<AuditLogRow, 'organization_id' | 'seq' | 'id' | 'type' | 'effective_at' | 'entry'>,
): Promise<RevocationLine[]> {
  const { organization_id, seq, id: event_id, effective_at: at } = row
  const type = row.type as AuditEvent
  const payload = (JSON.parse(row.entry) as Record<AuditEvent, AuditPayload<AuditEvent>>)[type]
  const subject = subjectOf(type, payload)
  if (!subject) return []
  // Keys that were deleted never come back. The row would say so if somebody put an older one back.
  const state = type === 'api_key.deleted' ? { alive: false } : await readState(sql, peppers, organization_id, subject)
  return [{ type: 'revocation', organization_id, seq, at, event_id, ...subject, state }]
}
