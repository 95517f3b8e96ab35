/**
 * Clients of one connection each, opened as they are needed, up to a number. Bun's own pool opens
 * all its connections at the first statement, and a server that has little to do would take them
 * from others.
 */
import type { SQL } from 'bun'
import { openClient, type ClientOptions } from './postgres-client.ts'
import { isFull } from './postgres-faults.ts'

/** PostgreSQL had no connection left: none is opened for so long, if there are some. */
const FULL_MILLISECONDS = 5_000

export interface Client {
  sql: SQL
  /** How many statements or changes it has been given that are not over. */
  busy: number
}

export class Clients {
  readonly #options: ClientOptions
  readonly #max: number
  readonly #all = new Set<Client>()
  #opensAgainAt = 0

  constructor(options: ClientOptions, max: number) {
    this.#options = options
    this.#max = max
  }

  /** One with nothing to do, a new one if there may be more, or else the one with least to do. */
  leastBusy(): Client {
    let least: Client | null = null
    for (const client of this.#all) {
      if (client.busy === 0) return client
      if (!least || client.busy < least.busy) least = client
    }
    return least && !this.mayOpen ? least : this.#open()
  }

  /** One that nobody has; null where there is none, and no more may be opened. */
  free(): Client | null {
    for (const client of this.#all) if (client.busy === 0) return client
    return this.mayOpen ? this.#open() : null
  }

  get mayOpen() {
    if (this.#all.size === 0) return true
    return this.#all.size < this.#max && this.#options.world.steady() >= this.#opensAgainAt
  }

  /**
   * A client has failed with this error. True where PostgreSQL had no connection for it and others
   * are there: they can be asked instead.
   */
  hasOthersInsteadOf(client: Client, error: unknown): boolean {
    if (!isFull(error)) return false
    this.drop(client)
    this.#opensAgainAt = this.#options.world.steady() + FULL_MILLISECONDS
    return this.#all.size > 0
  }

  drop(client: Client) {
    if (this.#all.delete(client)) void client.sql.close({ timeout: 0 })
  }

  /** Closes those that nobody has. */
  dropFree() {
    for (const client of this.#all) if (client.busy === 0) this.drop(client)
  }

  async close(seconds: number) {
    await Promise.all([...this.#all].map(({ sql }) => sql.close({ timeout: seconds })))
  }

  #open(): Client {
    const client = { sql: openClient(this.#options, 1), busy: 0 }
    this.#all.add(client)
    return client
  }
}
