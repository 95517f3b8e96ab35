/** This server's name in the ledger, its lease there, and the database's clock. */
import type { Database } from '../database/types.ts'
import { newId } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { LEASE_MILLISECONDS, register } from './ledger-exchange.ts'
import type { DatabaseClock } from './window.ts'

/** The part of the lease in which money is handed out from memory. */
const USED_OF_LEASE = 0.6

export class Lease {
  readonly #database: Database
  readonly #world: World
  server_id = ''
  /** The number of the last exchange that is known to have happened. */
  seq = 0
  /** By the steady clock. */
  #moneyUntil = 0
  #end = 0
  /**
   * The database's clock minus the steady one, or a little more: the database reads its clock after
   * the question was sent.
   */
  #offset = Infinity

  constructor(database: Database, world: World) {
    this.#database = database
    this.#world = world
  }

  get clock(): DatabaseClock {
    const { steady } = this.#world
    return { steady, at: (moment) => moment + this.#offset }
  }

  /** Takes a new name, because the old one may be swept at any time. */
  rename() {
    this.server_id = newId('server_', this.#world)
    this.seq = 0
  }

  /** Under a new name. */
  async register() {
    const { engine } = this.#database
    this.rename()
    const at = this.#world.steady()
    const now = await this.#database.write((sql) => register(sql, engine, this.server_id))
    this.#begin(at, now)
  }

  /**
   * Called after an exchange: `at` is when it was sent, by the steady clock; `now` is the
   * database's clock during it.
   */
  renewed(seq: number, at: number, now: number) {
    this.seq = seq
    this.#begin(at, now)
  }

  #begin(at: number, now: number) {
    this.#moneyUntil = at + LEASE_MILLISECONDS * USED_OF_LEASE
    // A hundredth less, to allow for clock drift.
    this.#end = at + LEASE_MILLISECONDS * 0.99
    this.#offset = now - at
  }

  /** Whether requests may take money from memory. */
  get coversMoney() {
    return this.#world.steady() < this.#moneyUntil
  }

  /**
   * Whether the lease must be renewed within this time so that requests can go on taking money.
   */
  endsWithin(milliseconds: number) {
    return this.#world.steady() > this.#moneyUntil - milliseconds
  }

  get isOver() {
    return this.#world.steady() > this.#end
  }

  /** This server's row in the database; undefined when others took it for dead. */
  read() {
    return this.#database.read
      .selectFrom('ledger_servers')
      .select('seq')
      .where('id', '=', this.server_id)
      .executeTakeFirst()
  }

  /** The last exchange that had happened when others took this server for dead. */
  async sweptAfter(): Promise<number | undefined> {
    const row = await this.#database.read
      .selectFrom('swept_servers')
      .select('seq')
      .where('id', '=', this.server_id)
      .executeTakeFirst()
    return row?.seq
  }

  /** What this server holds, by the database. */
  holdings() {
    return this.#database.read.selectFrom('holdings').selectAll().where('server_id', '=', this.server_id).execute()
  }

  /** Removes this server from the ledger. It must hold nothing. */
  async leave() {
    await this.#database.write((sql) => sql.deleteFrom('ledger_servers').where('id', '=', this.server_id).execute())
  }
}
