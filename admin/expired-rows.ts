/**
 * Deletes access tokens, links to sign in and sessions that have expired: nothing needs them, and
 * they come by the hour. A session is kept for a day, so that a cursor that names it still works.
 */
import type { Database } from '../database/types.ts'
import { seconds, type World } from '../world/world.ts'

const EVERY_MILLISECONDS = 5 * 60_000
const DAY_SECONDS = 86_400

export class ExpiredRows {
  readonly #database: Database
  readonly #world: World
  readonly #onError: (error: unknown) => void
  #cancel = () => {}

  constructor(database: Database, world: World, onError: (error: unknown) => void) {
    this.#database = database
    this.#world = world
    this.#onError = onError
  }

  start() {
    this.#cancel = this.#world.later(EVERY_MILLISECONDS, () => {
      this.start()
      void this.delete().catch(this.#onError)
    })
  }

  stop() {
    this.#cancel()
  }

  /** Looks before it writes, so that a server without workloads and people writes nothing. */
  async delete() {
    const now = seconds(this.#world)
    await this.#deleteFrom('access_tokens', now)
    await this.#deleteFrom('sign_in_links', now)
    await this.#deleteFrom('sessions', now - DAY_SECONDS)
  }

  async #deleteFrom(table: 'access_tokens' | 'sign_in_links' | 'sessions', expired_at: number) {
    const rows = this.#database.read.selectFrom(table).select('id').where('expires_at', '<=', expired_at)
    if ((await rows.limit(1).execute()).length === 0) return
    await this.#database.write((sql) => sql.deleteFrom(table).where('expires_at', '<=', expired_at).execute())
  }
}
