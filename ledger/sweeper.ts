/**
 * Looks for servers that died and settles what they held (`sweep.ts`), also while nothing else
 * happens here. A server is swept only when this one sees twice, a moment apart, that its lease is
 * over: after an outage of the database, or when a machine wakes up, all leases are over, and each
 * server needs a moment to renew its own.
 */
import { databaseNow } from '../database/clock.ts'
import type { Database } from '../database/types.ts'
import type { World } from '../world/world.ts'
import { sweep } from './sweep.ts'

const LOOK_MILLISECONDS = 1_000

interface SweeperOptions {
  isSelf: (server_id: string) => boolean
  onError: (error: unknown) => void
}

export class Sweeper {
  readonly #database: Database
  readonly #world: World
  readonly #options: SweeperOptions
  /**
   * When a server was first seen with its lease over, by the steady clock. The keys are its name
   * and its last exchange.
   */
  #over = new Map<string, number>()
  #looked = -Infinity
  #looking: Promise<void> | null = null
  /** Requests of servers that died, which this one settled. */
  requests = 0

  constructor(database: Database, world: World, options: SweeperOptions) {
    this.#database = database
    this.#world = world
    this.#options = options
  }

  /** Once a second at most; never two at a time, and never throws. */
  look(): Promise<void> {
    if (this.#world.steady() - this.#looked < LOOK_MILLISECONDS) return this.settled()
    this.#looking ??= this.#look()
      .catch(this.#options.onError)
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  async settled() {
    await this.#looking
  }

  async #look() {
    const now = (this.#looked = this.#world.steady())
    const rows = await this.#database.read
      .selectFrom('ledger_servers')
      .select(['id', 'seq'])
      .where('until', '<', databaseNow(this.#database.engine))
      .execute()
    const over = new Map<string, number>()
    for (const { id, seq } of rows) {
      if (this.#options.isSelf(id)) continue
      const name = `${id} ${seq}`
      const since = this.#over.get(name) ?? now
      if (now - since >= LOOK_MILLISECONDS)
        this.requests += await this.#database.write((sql) => sweep(sql, this.#database.engine, id))
      else over.set(name, since)
    }
    this.#over = over
  }
}
