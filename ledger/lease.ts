/** This server's name in the ledger, its lease there, and the database's clock. */
import { databaseNow } from '../database/clock.ts'
import type { Database } from '../database/types.ts'
import { momentOf, type Moment } from '../world/moment.ts'
import { newId } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { LEASE_MILLISECONDS, register } from './ledger-exchange.ts'

/** More than this apart, the two clocks of a server did not run alike: one was set, or it slept. */
const APART_MILLISECONDS = 1_000

/**
 * The steady clock and the database's run apart by less than this part of the time. Clocks of
 * computers are set right by at most half as much.
 */
const DRIFT = 0.001

/** By how much the two may run apart in that time, at most. */
export const mostDrift = (milliseconds: number) => Math.ceil(Math.max(0, milliseconds) * DRIFT)

/** The clock of the database as this server knows it. It is never behind the true one. */
export interface DatabaseClock {
  /** Milliseconds, by the database, at this moment of the steady clock. */
  at: (steady: number) => number
  /** Milliseconds, by this server's steady clock. */
  steady: () => number
  /** Whether the steady clock may have stood still before this moment of it. */
  hasStopped: (steady: number) => boolean
}

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
  /** When that was read, by the steady clock. */
  #offsetAt = 0
  /** This server's clock on the wall minus the steady one, just before that was read. */
  #apart = 0
  /**
   * The database's clock minus this server's clock on the wall: 0 unless an exchange has shown
   * otherwise.
   */
  #ahead = 0

  constructor(database: Database, world: World) {
    this.#database = database
    this.#world = world
  }

  get clock(): DatabaseClock {
    const { steady } = this.#world
    return {
      steady,
      at: (moment) => moment + this.#offset + mostDrift(moment - this.#offsetAt),
      hasStopped: (moment) => this.hasSlept(this.now(), moment),
    }
  }

  /** Takes a new name, because the old one may be swept at any time. */
  rename() {
    this.server_id = newId('server_', this.#world)
    this.seq = 0
  }

  /**
   * Under a new name. The old one is kept until the database has answered: by it this server learns
   * which of its exchanges had happened.
   */
  async register() {
    const { engine } = this.#database
    const id = newId('server_', this.#world)
    let at = momentOf(this.#world)
    const now = await this.#database.write((sql) => {
      at = momentOf(this.#world)
      return register(sql, engine, id)
    })
    this.server_id = id
    this.seq = 0
    this.#begin(at, now)
  }

  /**
   * Called after an exchange: `at` is a moment just before it read the database's clock, and `now`
   * is what it read.
   */
  renewed(seq: number, at: Moment, now: number) {
    this.seq = seq
    this.#begin(at, now)
  }

  #begin({ steady: at, wall }: Moment, now: number) {
    this.#moneyUntil = at + LEASE_MILLISECONDS * USED_OF_LEASE
    // A hundredth less, to allow for clock drift.
    this.#end = at + LEASE_MILLISECONDS * 0.99
    this.#offset = now - at
    this.#offsetAt = at
    this.#apart = wall - at
    // The database read its clock between the question and the answer.
    const least = now - this.#world.now()
    const most = now - wall
    this.#ahead = Math.min(most, Math.max(least, this.#ahead))
  }

  /**
   * Milliseconds since 1970 by the database, so that all servers agree on the minute and the month
   * though their clocks differ.
   */
  now(): number {
    return Math.round(this.#world.now() + this.#ahead)
  }

  /**
   * Whether the machine slept since the last exchange, or its clock was set. The steady clock may
   * have stopped meanwhile, so what is valid by it may have expired. `now` is from `now()`, and
   * `steady` the same moment by the steady clock.
   */
  hasSlept(now: number, steady: number): boolean {
    return Math.abs(now - this.#ahead - steady - this.#apart) > APART_MILLISECONDS
  }

  /** Whether requests may take money from memory at this moment of the steady clock. */
  coversMoney(steady: number) {
    return steady < this.#moneyUntil
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

  /** Whether no other server lives, as far as the database knows. */
  async isAlone(): Promise<boolean> {
    const other = await this.#database.read
      .selectFrom('ledger_servers')
      .select('id')
      .where('id', '!=', this.server_id)
      .where('until', '>', databaseNow(this.#database.engine))
      .limit(1)
      .executeTakeFirst()
    return other === undefined
  }

  /** Whether nobody took this server for dead. */
  async isRegistered(): Promise<boolean> {
    return (await this.read())?.seq === this.seq
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
