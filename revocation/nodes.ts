/**
 * The processes on one database, as rows of the table `nodes`: up to which epoch each has applied
 * revocations, and how long its lease is.
 */
import type { Database } from '../database/types.ts'
import { newId } from '../world/random.ts'
import type { World } from '../world/world.ts'

/** Another process. */
export interface OtherNode {
  id: string
  epoch: number
  lease_milliseconds: number
  lock: string | null
}

export class Nodes {
  readonly #database: Database
  readonly #world: World
  readonly #leaseMilliseconds: number
  readonly #onError: (error: unknown) => void
  /** The id of this process, or '' before it has one. */
  #id = ''
  #lock: string | null = null
  readonly #evicting = new Set<string>()
  #stopped = false

  constructor(
    database: Database,
    world: World,
    { leaseMilliseconds, onError }: { leaseMilliseconds: number; onError: (error: unknown) => void },
  ) {
    this.#database = database
    this.#world = world
    this.#leaseMilliseconds = leaseMilliseconds
    this.#onError = onError
  }

  get id() {
    return this.#id
  }

  /**
   * Takes the lock that shows others that this process lives, and removes the locks of processes
   * that have ended.
   */
  async start() {
    const locks = this.#database.processLocks
    if (!locks) return
    const name = newId('node_', this.#world)
    if (locks.hold(name)) this.#lock = name
    const released = locks.released()
    if (released.length === 0) return
    await this.#database.write((sql) => sql.deleteFrom('nodes').where('lock', 'in', released).execute())
    for (const lock of released) locks.remove(lock)
  }

  async stop() {
    this.#stopped = true
    await this.#database
      .write((sql) => sql.deleteFrom('nodes').where('id', '=', this.#id).execute())
      .catch(this.#onError)
    if (this.#lock !== null) this.#database.processLocks!.release(this.#lock)
  }

  /**
   * Registers under a new id, because whoever evicted the old one may delete it at any time.
   * `applied` is the last epoch that was applied here. Returns the epoch to go on from, which is
   * lower than `applied` when the database was restored from a backup.
   */
  async register(applied: number): Promise<number> {
    const before = this.#id
    const id = newId('node_', this.#world)
    const epoch = await this.#database.write(async (sql) => {
      const { value } = await sql
        .selectFrom('counters')
        .select('value')
        .where('name', '=', 'revocation_epoch')
        .executeTakeFirstOrThrow()
      // The cache of a process that starts is empty, so there is nothing to apply.
      const epoch = before === '' ? value : Math.min(value, applied)
      const node = { id, epoch, lease_milliseconds: this.#leaseMilliseconds, is_evicted: 0, lock: this.#lock }
      await sql.insertInto('nodes').values(node).execute()
      await sql.deleteFrom('nodes').where('id', '=', before).execute()
      return epoch
    })
    this.#id = id
    return epoch
  }

  /**
   * Tells the others that everything up to this epoch was applied here. After a power cut or a
   * crash of PostgreSQL the row may be an older one: then others wait for this process longer, and
   * evict it.
   */
  async acknowledge(epoch: number) {
    await this.#database.writeUnsynced((sql) =>
      sql.updateTable('nodes').set({ epoch }).where('id', '=', this.#id).execute(),
    )
  }

  others(): Promise<OtherNode[]> {
    return this.#database.read
      .selectFrom('nodes')
      .select(['id', 'epoch', 'lease_milliseconds', 'lock'])
      .where('id', '!=', this.#id)
      .execute()
  }

  /** The others, without those whose process has certainly ended. */
  async living(): Promise<OtherNode[]> {
    const locks = this.#database.processLocks
    return (await this.others()).filter(({ lock }) => lock === null || locks?.isReleased(lock) !== true)
  }

  /** Deletes those whose process has certainly ended, and returns the others. */
  async removeEnded(nodes: readonly OtherNode[]): Promise<OtherNode[]> {
    const locks = this.#database.processLocks
    const ended = nodes.filter(({ lock }) => lock !== null && locks?.isReleased(lock) === true)
    if (ended.length === 0) return [...nodes]
    const ids = ended.map(({ id }) => id)
    await this.#database.write((sql) => sql.deleteFrom('nodes').where('id', 'in', ids).execute())
    for (const { lock } of ended) locks!.remove(lock!)
    return nodes.filter((node) => !ended.includes(node))
  }

  /**
   * Evicts nodes that do not acknowledge. A node that lives after all sees the mark and registers
   * anew; the rows are deleted when every lease that was taken before the mark has ended.
   */
  async evict(nodes: readonly OtherNode[]) {
    const ids = nodes.map(({ id }) => id).filter((id) => !this.#evicting.has(id))
    if (ids.length === 0) return
    for (const id of ids) this.#evicting.add(id)
    try {
      const marked = await this.#database.write((sql) =>
        sql
          .updateTable('nodes')
          .set({ is_evicted: 1 })
          .where('id', 'in', ids)
          .returning('lease_milliseconds')
          .execute(),
      )
      await pause(Math.max(0, ...marked.map((node) => node.lease_milliseconds)), { idly: true })
      if (!this.#stopped) await this.#database.write((sql) => sql.deleteFrom('nodes').where('id', 'in', ids).execute())
    } catch (error) {
      this.#onError(error)
    } finally {
      for (const id of ids) this.#evicting.delete(id)
    }
  }
}

/** With `idly` the timer does not keep the process alive. */
export const pause = (milliseconds: number, { idly = false } = {}) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds))
    if (idly) timer.unref()
  })
