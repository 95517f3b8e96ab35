/**
 * When keys were last used: noted in memory, written together. No request waits for it, and a crash leaves a time at most ten seconds old.
 */
import type { Database, Sql } from '../database/open.ts'

const EVERY_MILLISECONDS = 10_000
const MOST_DIRTY = 10_000

const MOST_PER_CHANGE = 200

type KeyTable = 'api_keys' | 'admin_api_keys'

/** A key, and the person whose last use moves with it. */
export interface UsedKey {
  organization_id: string
  key_id: string
  owner_id: string
}

interface Used extends UsedKey {
  table: KeyTable
  at: number
}

export class LastUsed {
  readonly #database: Database
  readonly #onError: (error: unknown) => void
  readonly #timer: ReturnType<typeof setInterval>
  #dirty = new Map<string, Used>()
  #flushing: Promise<void> | null = null
  /** On the clock of `performance.now()`: how long the oldest note waits. */
  #since: number | null = null

  constructor(database: Database, onError: (error: unknown) => void) {
    this.#database = database
    this.#onError = onError
    this.#timer = setInterval(() => void this.flush(), EVERY_MILLISECONDS)
    this.#timer.unref()
  }

  /** Notes that a key was used at a time in seconds; the newest wins. */
  note(table: KeyTable, { organization_id, key_id, owner_id }: UsedKey, at: number) {
    const known = this.#dirty.get(key_id)
    if (known) {
      if (known.at < at) known.at = at
      return
    }
    this.#since ??= performance.now()
    this.#dirty.set(key_id, { table, organization_id, key_id, owner_id, at })
    if (this.#dirty.size >= MOST_DIRTY && !this.#flushing) void this.flush()
  }

  /** How many keys wait to be written, and for how long the first of them. */
  get waiting(): { keys: number; milliseconds: number } {
    return { keys: this.#dirty.size, milliseconds: this.#since === null ? 0 : performance.now() - this.#since }
  }

  /** Writes what is noted. Never throws: what could not be written is kept for the next time. */
  async flush(): Promise<void> {
    await this.#flushing
    if (this.#dirty.size === 0) return
    this.#flushing ??= this.#write().finally(() => (this.#flushing = null))
    await this.#flushing
  }

  async #write() {
    const noted = [...this.#dirty.values()]
    const since = this.#since
    this.#dirty = new Map()
    this.#since = null
    // In parts, so that a change that waits for the writer does not wait for all of them.
    for (let start = 0; start < noted.length; start += MOST_PER_CHANGE) {
      try {
        await this.#database.write((sql) => write(sql, noted.slice(start, start + MOST_PER_CHANGE)))
      } catch (error) {
        for (const { table, at, ...key } of noted.slice(start)) this.note(table, key, at)
        this.#since = since
        this.#onError(error)
        return
      }
    }
  }

  async stop() {
    clearInterval(this.#timer)
    await this.flush()
  }
}

async function write(sql: Sql, noted: readonly Used[]) {
  for (const { table, organization_id, key_id, owner_id, at } of noted) {
    await sql
      .updateTable(table)
      .set({ last_used_at: at })
      .where('organization_id', '=', organization_id)
      .where('id', '=', key_id)
      .where((is) => is.or([is('last_used_at', 'is', null), is('last_used_at', '<', at)]))
      .execute()
    await sql
      .updateTable('users')
      .set({ api_key_last_used_at: at })
      .where('organization_id', '=', organization_id)
      .where('id', '=', owner_id)
      .where((is) => is.or([is('api_key_last_used_at', 'is', null), is('api_key_last_used_at', '<', at)]))
      .execute()
  }
}
