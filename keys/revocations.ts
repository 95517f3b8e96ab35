/**
 * What takes authority away, and how every process learns of it before the answer leaves. Each process answers from memory only while it
 * asked the database not longer ago than its lease. A change that touches authority waits until every other process has said that it
 * forgot what it must, or until their leases are over.
 */
import type { AuditEvent, AuditPayload } from '../contract/audit.ts'
import { unavailable } from '../contract/errors.ts'
import type { Database, Sql } from '../database/open.ts'
import type { NodeRow, RevocationRow } from '../database/tables.ts'
import { newId } from './random.ts'
import { seconds, type World } from './world.ts'

export type Revoked = Pick<RevocationRow, 'organization_id' | 'kind' | 'id'>

type Touched = [kind: RevocationRow['kind'], id: string] | null

const nothing = () => null
const key = ({ id }: { id: string }): Touched => ['key', id]
const owner = ({ id }: { id: string }): Touched => ['owner', id]
const everybody = (): Touched => ['organization', '']
const member = ({ user_id }: { user_id: string }): Touched => ['owner', user_id]
const holder = ({ principal_id, principal_type }: { principal_id: string; principal_type: string }): Touched =>
  principal_type === 'user' ? ['owner', principal_id] : everybody()

/** Whose authority each event touches; a new event has to say. */
const touchedBy: { [Event in AuditEvent]: (payload: AuditPayload<Event>) => Touched } = {
  'api_key.created': nothing,
  'api_key.updated': key,
  'api_key.deleted': key,
  'project.created': nothing,
  'project.updated': nothing,
  'project.archived': ({ id }) => ['project', id],
  'service_account.created': nothing,
  'service_account.updated': owner,
  'service_account.deleted': owner,
  'user.added': owner,
  'user.updated': owner,
  'user.deleted': owner,
  'invite.sent': nothing,
  'invite.accepted': nothing,
  'invite.deleted': nothing,
  'group.created': nothing,
  'group.updated': nothing,
  'group.deleted': everybody,
  'tenant.group.member.added': member,
  'tenant.group.member.removed': member,
  'role.created': nothing,
  'role.updated': everybody,
  'role.deleted': everybody,
  'role.assignment.created': holder,
  'role.assignment.deleted': holder,
}

/** Whose authority these events touch. */
export const revokedBy = (
  organization_id: string,
  events: readonly { type: AuditEvent; payload: AuditPayload<AuditEvent> }[],
): Revoked[] =>
  events.flatMap(({ type, payload }) => {
    const touched = touchedBy[type](payload as never)
    return touched ? [{ organization_id, kind: touched[0], id: touched[1] }] : []
  })

const POLL_MILLISECONDS = 1_000
const ACKNOWLEDGED_EVERY_MILLISECONDS = 20
const KEPT_SECONDS = 3600

export interface RevocationOptions {
  /** How long memory may answer without having asked the database. */
  leaseMilliseconds: number
  /** Told what to forget; null is everything. */
  forget: (revoked: Revoked | null) => void
  onError: (error: unknown) => void
}

export class Revocations {
  readonly #database: Database
  readonly #world: World
  readonly #options: RevocationOptions
  #node = ''
  /** Everything up to here is forgotten. */
  #epoch = 0
  /** On the clock of `performance.now()`. */
  #leaseUntil = 0
  #polling: Promise<void> | null = null
  #again = false
  #timer: ReturnType<typeof setInterval> | undefined
  #unlisten: () => Promise<void> = async () => {}
  #reaping = new Set<string>()
  #stopped = false

  constructor(database: Database, world: World, options: RevocationOptions) {
    this.#database = database
    this.#world = world
    this.#options = options
  }

  /** Joins the processes of this database. Those that are there already and alive will say so. */
  async start() {
    await this.#register()
    const others = await this.#database.write((sql) =>
      sql.updateTable('nodes').set({ is_leaving: 1 }).where('id', '!=', this.#node).returning('id').execute(),
    )
    if (others.length > 0) this.#reap(others.map(({ id }) => id))
    await this.poll()
    this.#unlisten = await this.#database.listen(() => void this.poll().catch(() => {}))
    this.#timer = setInterval(() => void this.poll().catch(this.#options.onError), POLL_MILLISECONDS)
    this.#timer.unref()
  }

  async stop() {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#polling?.catch(() => {})
    await this.#unlisten().catch(() => {})
    await this.#database
      .write((sql) => sql.deleteFrom('nodes').where('id', '=', this.#node).execute())
      .catch(this.#options.onError)
  }

  /** True while memory may answer. */
  get leased() {
    return performance.now() < this.#leaseUntil
  }

  /** Asks the database, so that memory may answer again. Throws 503 when it does not answer. */
  async renew() {
    if (!this.leased) await this.poll()
    if (!this.leased) throw unavailable('storage_unreachable')
  }

  /** Inside a change: writes down whose authority it touches. Answers the epoch to settle, null if there is nothing. */
  async publish(sql: Sql, revoked: readonly Revoked[]): Promise<number | null> {
    if (revoked.length === 0) return null
    const { value } = await sql
      .updateTable('epochs')
      .set((row) => ({ value: row('value', '+', revoked.length) }))
      .where('name', '=', 'authority')
      .returning('value')
      .executeTakeFirstOrThrow()
    const created_at = seconds(this.#world)
    const rows = revoked.map((one, index) => ({ ...one, epoch: value - revoked.length + 1 + index, created_at }))
    await sql.insertInto('revocations').values(rows).execute()
    await sql
      .deleteFrom('revocations')
      .where('created_at', '<', created_at - KEPT_SECONDS)
      .execute()
    await this.#database.announce(sql)
    return value
  }

  /** After the commit: forgets here at once, and waits until every other process has forgotten or must ask. */
  async settle(epoch: number, revoked: readonly Revoked[]): Promise<void> {
    for (const one of revoked) this.#options.forget(one)
    const began = performance.now()
    for (;;) {
      const behind = await this.#behind(epoch).catch((error: unknown) => {
        this.#options.onError(error)
        return null
      })
      if (behind?.length === 0) return
      // Unknown who is there: the longest lease that a process here can have is ours.
      const longest = Math.max(...(behind?.map((node) => node.lease_milliseconds) ?? [this.#options.leaseMilliseconds]))
      if (performance.now() - began >= longest) {
        if (behind) this.#reap(behind.map(({ id }) => id))
        return
      }
      await new Promise((resolve) => setTimeout(resolve, ACKNOWLEDGED_EVERY_MILLISECONDS))
    }
  }

  /** Asks what else is to be forgotten. One question at a time; who asks during one gets the next. */
  poll(): Promise<void> {
    if (this.#polling) {
      this.#again = true
      return this.#polling
    }
    const run = async () => {
      do {
        this.#again = false
        await this.#ask()
      } while (this.#again && !this.#stopped)
    }
    return (this.#polling = run().finally(() => (this.#polling = null)))
  }

  async #ask(): Promise<void> {
    const asked = performance.now()
    const { read } = this.#database
    const self = await read.selectFrom('nodes').select(['epoch', 'is_leaving']).where('id', '=', this.#node).execute()
    // Another process has given us up: it may have stopped waiting for us, so nothing remembered is sure.
    if (self.length === 0 || self[0]!.is_leaving) {
      await this.#register()
      return this.#ask()
    }
    const news = await read
      .selectFrom('revocations')
      .selectAll()
      .where('epoch', '>', this.#epoch)
      .orderBy('epoch')
      .execute()
    // Rows are thrown away after an hour: after a longer pause, some of what is to be forgotten is not known any more.
    if (news.length > 0 && news[0]!.epoch !== this.#epoch + 1) this.#options.forget(null)
    else for (const one of news) this.#options.forget(one)
    this.#leaseUntil = asked + this.#options.leaseMilliseconds
    const newest = news.at(-1)?.epoch
    if (newest === undefined) return
    this.#epoch = newest
    await this.#database.write((sql) =>
      sql.updateTable('nodes').set({ epoch: newest }).where('id', '=', this.#node).execute(),
    )
  }

  async #register() {
    this.#node = newId('node_', this.#world)
    const node = { id: this.#node, lease_milliseconds: this.#options.leaseMilliseconds, is_leaving: 0 }
    this.#epoch = await this.#database.write(async (sql) => {
      const { value } = await sql
        .selectFrom('epochs')
        .select('value')
        .where('name', '=', 'authority')
        .executeTakeFirstOrThrow()
      await sql
        .insertInto('nodes')
        .values({ ...node, epoch: value })
        .execute()
      return value
    })
    this.#options.forget(null)
  }

  /** The other processes that may still remember what this epoch revoked. */
  #behind(epoch: number): Promise<Pick<NodeRow, 'id' | 'lease_milliseconds'>[]> {
    return this.#database.read
      .selectFrom('nodes')
      .select(['id', 'lease_milliseconds'])
      .where('id', '!=', this.#node)
      .where('epoch', '<', epoch)
      .execute()
  }

  /**
   * Gives processes up that said nothing for a whole lease: first marks them, so that one that lives after all joins anew, and removes
   * them when any lease begun before the mark is over.
   */
  #reap(ids: readonly string[]) {
    const fresh = ids.filter((id) => !this.#reaping.has(id))
    if (fresh.length === 0) return
    for (const id of fresh) this.#reaping.add(id)
    void (async () => {
      try {
        const marked = await this.#database.write((sql) =>
          sql
            .updateTable('nodes')
            .set({ is_leaving: 1 })
            .where('id', 'in', fresh)
            .returning('lease_milliseconds')
            .execute(),
        )
        const longest = Math.max(0, ...marked.map((node) => node.lease_milliseconds))
        await new Promise((resolve) => setTimeout(resolve, longest).unref())
        if (!this.#stopped)
          await this.#database.write((sql) => sql.deleteFrom('nodes').where('id', 'in', fresh).execute())
      } catch (error) {
        this.#options.onError(error)
      } finally {
        for (const id of fresh) this.#reaping.delete(id)
      }
    })()
  }
}
