/**
 * Servers of the ledger in one process, on a real database, in a time that the test moves: also the
 * database's clock stands still between two moves. A server can die, stall and wake, and lose an
 * exchange or its answer.
 */
import { openDatabase } from '../../database/open.ts'
import type { Database, Sql } from '../../database/types.ts'
import type { Admission } from '../../ledger/admission.ts'
import type { Ask } from '../../ledger/ask.ts'
import type { ExpectedWindow } from '../../ledger/expected-windows.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { monthOf } from '../../ledger/usage-counts.ts'
import { budgetChecks, disagreements, type BudgetCheck } from '../../ledger/verify.ts'
import { realWorld, type World } from '../../world/world.ts'
import { withMovedClock } from '../moved-clock.ts'
import { emptyDatabase, type EngineName } from '../setup.ts'
import { ask } from './asks.ts'

/** Money is held for running requests of which the database knows no series. */
export const unnamed = ({ project_id, in_flight, held_in_flight }: BudgetCheck) =>
  in_flight === held_in_flight ? [] : [`${project_id}: ${held_in_flight} are held for requests for ${in_flight}`]

interface Event {
  at: number
  run: () => void
  /** Nothing happens on a server that stalls: what was to happen waits until it wakes. */
  server: Server | null
}

export class Servers {
  /** Milliseconds since 1970, by the database. */
  now: number
  readonly database: Database
  readonly drop: () => Promise<void>
  readonly #began: number
  #events: Event[] = []
  #underWay = 0
  /** How many statements the servers have run. */
  statements = 0
  readonly all: Server[] = []

  constructor(database: Database, drop: () => Promise<void>, now: number) {
    this.database = withMovedClock(database, {
      now: () => `${this.now}`,
      during: (work) => this.#counted(work),
      onStatement: () => this.statements++,
    })
    this.drop = drop
    this.now = this.#began = now
  }

  static async open(engine: EngineName, now = Date.UTC(2026, 10, 26, 12)) {
    const { address, drop } = await emptyDatabase(engine)
    return new Servers(await openDatabase(address), drop, now)
  }

  async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(this, options)
    await this.during(server.ledger.start())
    this.all.push(server)
    return server
  }

  /** Those that have not died. */
  get living() {
    return this.all.filter(({ isDead }) => !isDead)
  }

  get elapsed() {
    return this.now - this.#began
  }

  /** Lets that much time pass, and all happen that was to happen in it. */
  async advance(milliseconds: number) {
    const until = this.now + milliseconds
    await this.quiet()
    for (;;) {
      const next = this.#events.find(({ at, server }) => at <= until && !server?.isStalled)
      if (!next) break
      this.#events.splice(this.#events.indexOf(next), 1)
      this.now = Math.max(this.now, next.at)
      next.run()
      await this.quiet()
    }
    this.now = until
  }

  /** What may wait for other servers waits for time to pass. */
  async during<Result>(answer: Result | Promise<Result>): Promise<Result> {
    const state = { isOver: false }
    const result = Promise.resolve(answer)
    const over = () => {
      state.isOver = true
    }
    result.then(over, over)
    for (await this.quiet(); !state.isOver; await this.quiet()) await this.advance(20)
    return result
  }

  later(milliseconds: number, run: () => void, server: Server | null): () => void {
    const event = { at: this.now + milliseconds, run, server }
    const place = this.#events.findIndex(({ at }) => at > event.at)
    this.#events.splice(place < 0 ? this.#events.length : place, 0, event)
    return () => {
      this.#events = this.#events.filter((one) => one !== event)
    }
  }

  sleep(milliseconds: number) {
    return new Promise<void>((resolve) => this.later(milliseconds, resolve, null))
  }

  /** What the books say of a month, by project; an organization's own has an empty one. */
  async budgets(month = monthOf(this.now)): Promise<BudgetCheck[]> {
    return await budgetChecks(this.database.read, month)
  }

  /** What is wrong with the budgets of a month; limits by project. */
  async wrong(limits: Record<string, number> = {}, month?: string): Promise<string[]> {
    const checks = await this.budgets(month)
    return checks.flatMap((check) => [...disagreements(check, limits[check.project_id] ?? null), ...unnamed(check)])
  }

  /** Waits until nothing happens without time passing. */
  async quiet() {
    for (let turns = 0; turns < 2;) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      turns = this.#underWay > 0 ? 0 : turns + 1
    }
  }

  /** Stops all servers that live, as an operator does. */
  async stopAll() {
    for (const server of this.all.splice(0)) {
      if (server.isDead) continue
      server.wake()
      await this.during(server.ledger.stop())
    }
  }

  async stop() {
    await this.stopAll()
    await this.database.close()
    await this.drop()
  }

  async #counted<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#underWay++
    try {
      return await work()
    } finally {
      this.#underWay--
    }
  }
}

export interface ServerOptions {
  /** By how much its clock on the wall is wrong. */
  ahead?: number
  /** By how much its steady clock is slow: the part of the time. */
  slow?: number
  /** Milliseconds that an exchange takes to arrive, and its answer to come back. */
  delay?: () => number
  /** Limits that it expects requests to come under. */
  expected?: readonly ExpectedWindow[]
}

export class Server {
  readonly ledger: Ledger
  readonly world: World
  isDead = false
  isStalled = false
  /**
   * What becomes of the next change of the database. One that comes late happens just before the
   * change after it.
   */
  next: 'happens' | 'is lost' | 'loses its answer' | 'comes late' = 'happens'
  #late: (() => Promise<unknown>) | null = null
  readonly errors: unknown[] = []
  /** How many changes of the database were asked for. */
  writes = 0
  /** Limits that it expects requests to come under, and what finding them waits for. */
  expected: readonly ExpectedWindow[]
  finding = Promise.resolve()
  /** A change waits for this before it begins, and for this when it is committed. */
  turn = Promise.resolve()
  answer = Promise.resolve()
  #woken = Promise.withResolvers<void>()
  readonly #servers: Servers
  readonly #delay: () => number
  /** By how much its clock on the wall is wrong. */
  ahead: number
  /** How long its steady clock stood still. */
  #slept = 0

  constructor(servers: Servers, { ahead = 0, slow = 0, delay = () => 0, expected = [] }: ServerOptions) {
    this.#servers = servers
    this.#delay = delay
    this.ahead = ahead
    this.expected = expected
    const offset = Math.floor(Math.random() * 1e6)
    this.world = {
      ...realWorld,
      now: () => servers.now + this.ahead,
      steady: () => servers.elapsed * (1 - slow) + offset - this.#slept,
      later: (milliseconds, run) => servers.later(milliseconds, () => this.isDead || run(), this),
    }
    const database = servers.database
    const own: Database = { ...database, write: (work) => this.#write(work) }
    this.ledger = new Ledger(own, this.world, {
      onError: (error) => this.errors.push(error),
      findExpected: async () => {
        const { expected } = this
        await this.finding
        return expected.slice(0, 1).map(({ key: { organization_id, project_id } }) => ({
          organization_id,
          project_id,
          of: (limit_key) => expected.filter(({ key }) => key.limit_key === limit_key),
          all: () => expected,
        }))
      },
    })
  }

  admit(what: Partial<Ask>): Promise<Admission> {
    return this.#servers.during(this.ledger.admit(ask(what)))
  }

  /** Asks, and uses what it is given at once. Answers why it was refused; null if it was not. */
  async use(what: Partial<Ask>, cost = what.bound ?? 0): Promise<unknown> {
    try {
      ;(await this.admit(what)).settle({ requests: 1, cost_output: cost })
      return null
    } catch (error) {
      return error
    }
  }

  /** Uses it as often as it is admitted, and answers how often that was. */
  async useAll(what: Partial<Ask>): Promise<number> {
    for (let n = 0; ; n++) if (await this.use(what)) return n
  }

  /** Nothing of it reaches the database any more, as after `kill -9`. */
  die() {
    this.isDead = true
  }

  stall() {
    this.isStalled = true
    this.#woken = Promise.withResolvers()
  }

  wake() {
    this.isStalled = false
    this.#woken.resolve()
  }

  /** As a machine whose lid is closed: its steady clock stops. */
  async sleep(milliseconds: number) {
    this.stall()
    await this.#servers.advance(milliseconds)
    this.#slept += milliseconds
    this.wake()
  }

  async #write<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const { database } = this.#servers
    const fate = this.next
    this.next = 'happens'
    this.writes++
    await this.turn
    const delay = this.#delay()
    if (delay > 0) await this.#servers.sleep(delay)
    if (this.isDead) return await new Promise<never>(() => {})
    await this.#late?.().catch(() => {})
    this.#late = null
    const result = await database.write(async (sql) => {
      const result = await work(sql)
      if (fate === 'comes late') this.#late = () => database.write(work)
      if (fate === 'is lost' || fate === 'comes late') throw new Error('the exchange was lost')
      return result
    })
    await this.answer
    if (delay > 0) await this.#servers.sleep(delay)
    if (this.isStalled) await this.#woken.promise
    if (this.isDead) return await new Promise<never>(() => {})
    if (fate === 'loses its answer') throw new Error('the answer was lost')
    return result
  }
}
