/**
 * Whether other servers live on this database, and what that means for what this one may hold for
 * long: it asks for that only while it is alone, and gives it back when another begins to live.
 */
import type { Database } from '../database/types.ts'
import type { World } from '../world/world.ts'
import { MOST_STANDING, STANDS_FOR, type Accounts } from './accounts.ts'
import type { FindExpected } from './expected-windows.ts'
import type { Lease } from './lease.ts'
import { LEASE_MILLISECONDS } from './ledger-exchange.ts'
import { diesOften, pastWindows } from './past-windows.ts'

interface Parts {
  database: Database
  world: World
  lease: Lease
  accounts: Accounts
  findExpected: FindExpected
}

export class Neighbours {
  readonly #parts: Parts
  #mustGiveBack = false
  /**
   * Until then, by the steady clock, this server waits to be alone, to ask for what was used before
   * its start.
   */
  #wakesUntil = -Infinity

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Another server has begun to live: it may need what this one holds for long. */
  get mustGiveBack() {
    return this.#mustGiveBack
  }

  /** Called at the start; the lease of another server that was killed is over soon. */
  expectNone() {
    this.#wakesUntil = this.#parts.world.steady() + 2 * LEASE_MILLISECONDS
  }

  /** Whether this server still waits to be alone. */
  get isWaking() {
    return this.#parts.world.steady() < this.#wakesUntil
  }

  /**
   * Asks for what was used before the start, and for what may be used first, when no other server
   * lives any more.
   */
  async wake() {
    const { database, lease, accounts, findExpected } = this.#parts
    if (!(await lease.isAlone())) return
    this.found(true)
    const now = lease.now()
    if (!(await diesOften(database.read, now))) {
      accounts.addPast(await pastWindows(database.read, now, STANDS_FOR.little, MOST_STANDING))
      accounts.expect(await findExpected([], 'newest'))
    }
    this.#wakesUntil = -Infinity
  }

  /** Asks the database, which an exchange would have said. */
  async look() {
    this.found(await this.#parts.lease.isAlone())
  }

  /** Called with what the database said. */
  found(isAlone: boolean) {
    const { accounts } = this.#parts
    this.#mustGiveBack = !isAlone && accounts.isAlone && accounts.holdStanding
    accounts.isAlone = isAlone
  }

  /** Called when an exchange begins that gives back what must be given back. */
  givesBack() {
    this.#mustGiveBack = false
  }
}
