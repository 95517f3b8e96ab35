/**
 * When keys were last used: noted in memory, written together. No request waits for it, and a crash leaves a time at most ten seconds old.
 */
import { sql as raw } from 'kysely'
import type { Database, Sql } from '../database/open.ts'

/** Half of the ten seconds that are promised: writing takes its time too. */
const EVERY_MILLISECONDS = 5_000
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
  /** After a failure only the timer tries again. */
  #failed = false
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
    if (this.#dirty.size >= MOST_DIRTY && !this.#flushing && !this.#failed) void this.flush()
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
        this.#failed = false
      } catch (error) {
        this.#failed = true
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
  for (const table of ['api_keys', 'admin_api_keys'] as const) {
    const used = noted.filter((one) => one.table === table)
    await move(
      sql,
      table,
      'last_used_at',
      used.map(({ organization_id, key_id, at }) => ({ organization_id, id: key_id, at })),
    )
  }
  const owners = new Map<string, Moved>()
  for (const { organization_id, owner_id, at } of noted)
    if (at > (owners.get(owner_id)?.at ?? 0)) owners.set(owner_id, { organization_id, id: owner_id, at })
  await move(sql, 'users', 'api_key_last_used_at', [...owners.values()])
}

interface Moved {
  organization_id: string
  id: string
  at: number
}

/** Moves times forward, in one statement, and in the order of the ids: two processes that lock the same rows do it in the same order. */
async function move(sql: Sql, table: KeyTable | 'users', column: string, rows: Moved[]) {
  if (rows.length === 0) return
  const values = rows
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))
    .map(({ organization_id, id, at }) => raw`(${organization_id}, ${id}, cast(${at} as bigint))`)
  const known = raw.ref(`${table}.${column}`)
  await raw`
    with used (organization_id, id, at) as (values ${raw.join(values)})
    update ${raw.table(table)} set ${raw.ref(column)} = used.at from used
    where ${raw.ref(`${table}.organization_id`)} = used.organization_id and ${raw.ref(`${table}.id`)} = used.id
      and (${known} is null or ${known} < used.at)`.execute(sql)
}
