/**
 * When keys were last used: noted in memory, written together. No request waits for it, and a crash leaves a time at most ten seconds old.
 */
import { sql as raw } from 'kysely'
import type { Database, Sql } from '../database/open.ts'
import { spread, spreadPlaceholders, statement } from '../database/statement.ts'

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
    const rows = used.map(({ organization_id, key_id, at }) => ({ organization_id, id: key_id, at }))
    await move(sql, table, rows)
  }
  const owners = new Map<string, Moved>()
  for (const { organization_id, owner_id, at } of noted)
    if (at > (owners.get(owner_id)?.at ?? 0)) owners.set(owner_id, { organization_id, id: owner_id, at })
  await move(sql, 'users', [...owners.values()])
}

interface Moved {
  organization_id: string
  id: string
  at: number
}

/** Moves times forward, in the order of the ids: two processes that lock the same rows do it in the same order. */
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
  await moveForward(sql, values, `${target} ${size}`)
}

const targets = {
  api_keys: 'last_used_at',
  admin_api_keys: 'last_used_at',
  users: 'api_key_last_used_at',
} as const
type Target = keyof typeof targets

/** How many rows one statement moves: a few numbers, so that few statements are compiled. */
const SIZES = [1, 20, MOST_PER_CHANGE]

const moveForward = statement((sql: Sql, $: Record<string, string | number>, shape: `${Target} ${number}`) => {
  const [target, size] = shape.split(' ') as [Target, string]
  const [organizations, ids, times] = ['organization', 'id', 'at'].map((name) =>
    spreadPlaceholders($, name, Number(size)),
  )
  const rows = ids!.map((id, n) => raw`(${organizations![n]}, ${id}, cast(${times![n]} as bigint))`)
  const column = (name: string) => raw.ref(`${target}.${name}`)
  const known = column(targets[target])
  const query = raw`
    with used (organization_id, id, at) as (values ${raw.join(rows)})
    update ${raw.table(target)} set ${raw.ref(targets[target])} = used.at from used
    where ${column('organization_id')} = used.organization_id and ${column('id')} = used.id
      and (${known} is null or ${known} < used.at)`
  return { compile: () => query.compile(sql) }
})
