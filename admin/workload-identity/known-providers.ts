/**
 * All workload identity providers in memory, because whoever sends a token to be exchanged names
 * one before anything is known of him: neither a guessed id nor a bad token costs a query. They are
 * read again when something was revoked; each change of a provider revokes something.
 */
import type { IdentityProviderRow } from '../../database/identity-tables.ts'
import type { Database } from '../../database/types.ts'
import { singleFlight } from '../../revocation/single-flight.ts'

export class KnownProviders {
  readonly #database: Database
  #byId = new Map<string, IdentityProviderRow>()
  #isStale = true
  readonly #reading = singleFlight(() => this.#read())

  constructor(database: Database) {
    this.#database = database
  }

  /** The next question reads them again. */
  forget() {
    this.#isStale = true
  }

  async find(id: string): Promise<IdentityProviderRow | undefined> {
    if (this.#isStale) await this.#reading.fresh()
    return this.#byId.get(id)
  }

  async #read() {
    // Before the query: what is revoked while it runs makes the next question read again.
    this.#isStale = false
    try {
      const rows = await this.#database.read
        .selectFrom('identity_providers')
        .selectAll()
        .where('deleted_at', 'is', null)
        .execute()
      this.#byId = new Map(rows.map((row) => [row.id, row]))
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }
}
