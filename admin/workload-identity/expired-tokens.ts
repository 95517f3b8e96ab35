/** Deletes access tokens that have expired: nothing needs them, and they come by the hour. */
import type { Database } from '../../database/types.ts'
import { seconds, type World } from '../../world/world.ts'

const EVERY_MILLISECONDS = 5 * 60_000

export class ExpiredTokens {
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

  /** Looks before it writes, so that a server without workloads writes nothing. */
  async delete() {
    const now = seconds(this.#world)
    const expired = await this.#database.read
      .selectFrom('access_tokens')
      .select('id')
      .where('expires_at', '<=', now)
      .limit(1)
      .execute()
    if (expired.length === 0) return
    await this.#database.write((sql) => sql.deleteFrom('access_tokens').where('expires_at', '<=', now).execute())
  }
}
