/**
 * During a rotation of the pepper, gives each key that is used a digest and a MAC under the current
 * pepper: its value is known only while it is used. No request waits for this; a digest that cannot
 * be written is written when the key is next read from storage.
 */
import type { Database, Sql } from '../database/types.ts'
import type { Peppers } from './digest.ts'
import { pepperOf, withMac, type KeyTable } from './key-mac.ts'

interface Redigest {
  table: KeyTable
  organization_id: string
  id: string
  /** Under the current pepper. */
  digest: Uint8Array
}

const MOST_WAITING = 100_000
const BATCH = 100

export class Redigests {
  readonly #database: Database
  readonly #peppers: Peppers
  readonly #onError: (error: unknown) => void
  readonly #waiting = new Map<string, Redigest>()
  #writing: Promise<void> | null = null

  constructor(database: Database, peppers: Peppers, onError: (error: unknown) => void) {
    this.#database = database
    this.#peppers = peppers
    this.#onError = onError
  }

  add(one: Redigest) {
    if (this.#waiting.size < MOST_WAITING) this.#waiting.set(one.id, one)
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null))
  }

  /** Resolves when nothing waits. */
  async settled() {
    await this.#writing
  }

  async #writeAll() {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values().take(BATCH)]
      for (const { id } of batch) this.#waiting.delete(id)
      await this.#database
        .write(async (sql) => {
          for (const one of batch) await this.#write(sql, one)
        })
        .catch(this.#onError)
    }
  }

  async #write(sql: Sql, { table, organization_id, id, digest }: Redigest) {
    await lockChanges(sql, organization_id)
    const row = await sql
      .selectFrom(table)
      .selectAll()
      .where('organization_id', '=', organization_id)
      .where('id', '=', id)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    const pepper = row && pepperOf(this.#peppers, table, row as never)
    // Otherwise the key was deleted or forged, or another server was faster.
    if (!pepper || pepper === this.#peppers[0]) return
    const { mac } = withMac(this.#peppers[0], table, { ...row, digest } as never) as { mac: Uint8Array }
    await sql
      .updateTable(table)
      .set({ digest, mac, is_redigested: 1 })
      .where('organization_id', '=', organization_id)
      .where('id', '=', id)
      .execute()
  }
}

/** Locks the head of the organization's audit log, as every change of the organization does. */
const lockChanges = (sql: Sql, organization_id: string) =>
  sql
    .updateTable('audit_heads')
    .set((row) => ({ seq: row.ref('seq') }))
    .where('organization_id', '=', organization_id)
    .execute()
