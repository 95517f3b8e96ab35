/**
 * When keys were last used. Times are noted in memory and written in batches, so no request waits
 * for a write, and after a crash a stored time is at most ten seconds old.
 */
import { sql as raw } from 'kysely'
import type { Database, Sql } from '../database/types.ts'
import { spread, spreadPlaceholders, statement } from '../database/statement.ts'
import type { World } from '../world/world.ts'

/** Half of the promised ten seconds, because writing takes time too. */
const EVERY_MILLISECONDS = 5_000
const MOST_DIRTY = 10_000
const MOST_PER_CHANGE = 200

type KeyTable = 'api_keys' | 'admin_api_keys' | 'sessions'

/**
 * A key, and the person who owns it: the last use of both is noted. Of a session only its own is.
 */
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
  readonly #world: Pick<World, 'steady'>
  readonly #onError: (error: unknown) => void
  readonly #timer: ReturnType<typeof setInterval>
  #dirty = new Map<string, Used>()
  #flushing: Promise<void> | null = null
  /** True after a failure: then only the timer retries. */
  #failed = false
  /** When the oldest unwritten note was made, by the steady clock. */
  #since: number | null = null

  constructor(database: Database, world: Pick<World, 'steady'>, onError: (error: unknown) => void) {
    this.#database = database
    this.#world = world
    this.#onError = onError
    this.#timer = setInterval(() => void this.flush(), EVERY_MILLISECONDS)
    this.#timer.unref()
  }

  /** Notes that a key was used at a time in seconds; the newest time counts. */
  note(table: KeyTable, { organization_id, key_id, owner_id }: UsedKey, at: number) {
    const known = this.#dirty.get(key_id)
    if (known) {
      if (known.at < at) known.at = at
      return
    }
    this.#since ??= this.#world.steady()
    this.#dirty.set(key_id, { table, organization_id, key_id, owner_id, at })
    if (this.#dirty.size >= MOST_DIRTY && !this.#flushing && !this.#failed) void this.flush()
  }

  /** How many keys wait to be written, and how long the first has waited. */
  get waiting(): { keys: number; milliseconds: number } {
    return { keys: this.#dirty.size, milliseconds: this.#since === null ? 0 : this.#world.steady() - this.#since }
  }

  /**
   * Writes the noted times. Never throws: those that could not be written are kept for the next
   * time.
   */
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
    // In batches, so that other changes run in between.
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
  for (const table of ['api_keys', 'admin_api_keys', 'sessions'] as const) {
    const used = noted.filter((one) => one.table === table)
    const rows = used.map(({ organization_id, key_id, at }) => ({ organization_id, id: key_id, at }))
    await move(sql, table, rows)
  }
  const owners = new Map<string, Moved>()
  for (const { table, organization_id, owner_id, at } of noted)
    if (table !== 'sessions' && at > (owners.get(owner_id)?.at ?? 0))
      owners.set(owner_id, { organization_id, id: owner_id, at })
  await move(sql, 'users', [...owners.values()])
}

interface Moved {
  organization_id: string
  id: string
  at: number
}

/**
 * Writes newer times over older ones, in the order of the ids, so that two processes lock the same
 * rows in the same order.
 */
async function move(sql: Sql, target: Target, rows: Moved[]) {
  if (rows.length === 0) return
  const size = SIZES.find((size) => size >= rows.length)!
  const sorted = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  const padded = Array.from({ length: size }, (_, n) => sorted[Math.min(n, rows.length - 1)]!)
  const values = {
    ...spread(
      'organization',
      padded.map((row) => row.organization_id),
    ),
    ...spread(
      'id',
      padded.map((row) => row.id),
    ),
    ...spread(
      'at',
      padded.map((row) => row.at),
    ),
  }
  await moveForward(sql, values, { target, size })
}

const targets = {
  api_keys: 'last_used_at',
  admin_api_keys: 'last_used_at',
  sessions: 'last_used_at',
  users: 'api_key_last_used_at',
} as const
type Target = keyof typeof targets

/** Batch sizes. They are few, so that few statements are compiled. */
const SIZES = [1, 20, MOST_PER_CHANGE]

const moveForward = statement(
  (_: Sql, params: Record<string, string | number>, { target, size }: { target: Target; size: number }) => {
    const [organizations, ids, times] = ['organization', 'id', 'at'].map((name) =>
      spreadPlaceholders(params, name, size),
    )
    const rows = ids!.map((id, n) => raw`(${organizations![n]}, ${id}, cast(${times![n]} as bigint))`)
    const column = (name: string) => raw.ref(`${target}.${name}`)
    const known = column(targets[target])
    return raw`
    with used (organization_id, id, at) as (values ${raw.join(rows)})
    update ${raw.table(target)} set ${raw.ref(targets[target])} = used.at from used
    where ${column('organization_id')} = used.organization_id and ${column('id')} = used.id
      and (${known} is null or ${known} < used.at)`
  },
)
