/**
 * Connections to PostgreSQL that do not wait for ever: a server that hangs, or a network that swallows everything, never says that it is
 * gone. What gets no answer in time fails, and what stands on a silent connection is not used again.
 */
import { SQL, type ReservedSQL } from 'bun'

const CONNECT_SECONDS = 4
const READ_MILLISECONDS = 5_000
/** A change may wait for others on the same rows. */
const CHANGE_MILLISECONDS = 10_000

/** No answer came in time. */
export class NoAnswer extends Error {
  readonly code = 'ERR_POSTGRES_NO_ANSWER'
}

export type Rows = Record<string, any>[] & { count?: number }

/** Runs one statement, or several without parameters. */
export type Ask = (sql: string, parameters?: unknown[]) => Promise<Rows>

const open = (address: string, max: number) =>
  new SQL(address, { max, bigint: true, connectionTimeout: CONNECT_SECONDS, idleTimeout: 300 })

/** Connections for single statements. When none of them answers any more, all are replaced. */
export class ReadPool {
  readonly #open: () => SQL
  #sql: SQL
  /** On the clock of `performance.now()`. */
  #answered = 0
  #ears: Ears | null = null

  constructor(address: string, max: number) {
    this.#open = () => open(address, max)
    this.#sql = this.#open()
  }

  readonly ask: Ask = async (sql, parameters) => {
    const pool = this.#sql
    const began = performance.now()
    const query = pool.unsafe(sql, parameters as any[])
    try {
      const rows = await inTime(query, READ_MILLISECONDS)
      this.#answered = performance.now()
      return rows
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      // Others were answered meanwhile, so it is this statement that is slow.
      if (this.#answered > began) void query.cancel()
      else if (this.#sql === pool) this.#replace()
      throw error
    }
  }

  /** Calls back on each notification, and whenever some may have been missed. Throws when it cannot begin. */
  async listen(channel: string, heard: () => void): Promise<() => Promise<void>> {
    const ears = (this.#ears = new Ears(this.#open, channel, heard))
    await ears.open()
    return () => ears.close()
  }

  close() {
    return this.#sql.close({ timeout: 5 })
  }

  #replace() {
    const silent = this.#sql
    this.#sql = this.#open()
    void silent.close({ timeout: 0 })
    this.#ears?.reopen()
  }
}

/** One connection that listens, and comes back when it was lost. */
class Ears {
  readonly #connect: () => SQL
  readonly #channel: string
  readonly #heard: () => void
  #sql: SQL | null = null
  #closed = false

  constructor(connect: () => SQL, channel: string, heard: () => void) {
    this.#connect = connect
    this.#channel = channel
    this.#heard = heard
  }

  async open() {
    const sql = (this.#sql = this.#connect())
    await sql.listen(this.#channel, this.#heard, this.#heard)
  }

  /** The connection may be as silent as the others: Bun mends only one that was closed. */
  reopen() {
    if (this.#closed) return
    const silent = this.#sql
    void silent?.close({ timeout: 0 })
    this.open().catch(async () => {
      await pause(1_000)
      this.reopen()
    })
  }

  async close() {
    this.#closed = true
    await this.#sql?.close({ timeout: 0 })
  }
}

/** Connections for changes: each is held by one change and closed when it does not answer. */
export class ChangePool {
  readonly #sql: SQL

  constructor(address: string, max: number) {
    this.#sql = open(address, max)
  }

  async take(): Promise<Held> {
    const signal = AbortSignal.timeout(CHANGE_MILLISECONDS)
    return new Held(
      await this.#sql.reserve({ signal }).catch((error: unknown) => {
        throw signal.aborted ? new NoAnswer('No connection became free in time.') : error
      }),
    )
  }

  close() {
    return this.#sql.close({ timeout: 5 })
  }
}

export class Held {
  readonly #connection: ReservedSQL

  constructor(connection: ReservedSQL) {
    this.#connection = connection
  }

  readonly ask: Ask = async (sql, parameters) => {
    try {
      return await inTime(this.#connection.unsafe(sql, parameters as any[]), CHANGE_MILLISECONDS)
    } catch (error) {
      if (error instanceof NoAnswer) await this.#connection.close()
      throw error
    }
  }

  /** For the one time when there is no hurry: bringing the schema up to date. */
  readonly askPatiently: Ask = (sql, parameters) => this.#connection.unsafe(sql, parameters as any[])

  release() {
    return this.#connection.release()
  }
}

export const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

async function inTime<Result>(answer: Promise<Result>, milliseconds: number): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new NoAnswer('PostgreSQL did not answer in time.')), milliseconds)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
