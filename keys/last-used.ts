/**
 * When keys were last used: noted in memory, written together. No request waits for it, and a crash leaves a time at most ten seconds old.
 */
import type { Database } from '../database/open.ts'

const EVERY_MILLISECONDS = 10_000
const MOST_DIRTY = 10_000

type KeyTable = 'api_keys' | 'admin_api_keys'

interface Used {
  table: KeyTable
  organization_id: string
  id: string
  at: number
}

export class LastUsed {
  readonly #database: Database
  readonly #onError: (error: unknown) => void
  readonly #timer: ReturnType<typeof setInterval>
  #dirty = new Map<string, Used>()
  #flushing: Promise<void> = Promise.resolve()

  constructor(database: Database, onError: (error: unknown) => void) {
    this.#database = database
    this.#onError = onError
    this.#timer = setInterval(() => void this.flush(), EVERY_MILLISECONDS)
    this.#timer.unref()
  }

  /** Notes that a key was used at a time in seconds; the newest wins. */
  note(table: KeyTable, organization_id: string, id: string, at: number) {
    const known = this.#dirty.get(id)
    if (known) known.at = Math.max(known.at, at)
    else {
      this.#dirty.set(id, { table, organization_id, id, at })
      if (this.#dirty.size >= MOST_DIRTY) void this.flush()
    }
  }

  /** Writes what is noted. Never throws: what could not be written is kept for the next time. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      if (this.#dirty.size === 0) return
      const batch = this.#dirty
      this.#dirty = new Map()
      try {
        await this.#database.write(async (sql) => {
          for (const { table, organization_id, id, at } of batch.values())
            await sql
              .updateTable(table)
              .set({ last_used_at: at })
              .where('organization_id', '=', organization_id)
              .where('id', '=', id)
              .where((is) => is.or([is('last_used_at', 'is', null), is('last_used_at', '<', at)]))
              .execute()
        })
      } catch (error) {
        for (const { table, organization_id, id, at } of batch.values()) this.note(table, organization_id, id, at)
        this.#onError(error)
      }
    })
    return this.#flushing
  }

  async stop() {
    clearInterval(this.#timer)
    await this.flush()
  }
}
