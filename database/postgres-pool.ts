/**
 * Connections to PostgreSQL that do not wait for ever: a server that hangs, or a network that drops
 * everything, never says that it is gone. A statement that gets no answer in time fails, and its
 * connection is not used again.
 */
import type { ReservedSQL, SQL } from 'bun'
import { StorageError } from './storage-errors.ts'
import { inTime, openClient, type Ask, type ClientOptions } from './postgres-client.ts'
import { isSharedConnection, NoAnswer } from './postgres-faults.ts'
import { startListener, type Listener } from './postgres-listener.ts'

const READ_MILLISECONDS = 5_000
/** A change may wait for others on the same rows. */
const CHANGE_MILLISECONDS = 10_000

/** Connections for single statements. When none of them answers any more, all are replaced. */
export class ReadPool {
  readonly #options: ClientOptions
  readonly #max: number
  #sql: SQL
  /** `World.steady` of the newest answer. */
  #answered = 0
  #listener: Listener | null = null

  constructor(options: ClientOptions, max: number) {
    this.#options = options
    this.#max = max
    this.#sql = openClient(options, max)
  }

  readonly ask: Ask = async (sql, parameters) => {
    const pool = this.#sql
    const { steady } = this.#options.world
    const began = steady()
    const query = pool.unsafe(sql, parameters as any[])
    try {
      const rows = await inTime(query, READ_MILLISECONDS)
      this.#answered = steady()
      return rows
    } catch (error) {
      if (isSharedConnection(error) && this.#options.prepare) {
        this.#options.prepare = false
        this.#replace()
        return this.ask(sql, parameters)
      }
      if (!(error instanceof NoAnswer)) throw error
      // Others were answered meanwhile, so it is this statement that is slow.
      if (this.#answered > began) void query.cancel()
      else if (this.#sql === pool) this.#replace()
      throw error
    }
  }

  /**
   * Calls back on each notification, and whenever some may have been missed. Throws when it cannot
   * begin.
   */
  async listen(channel: string, heard: () => void): Promise<() => Promise<void>> {
    const listener = (this.#listener = await startListener(this.#options, channel, this.ask, heard))
    return () => listener.close()
  }

  close() {
    return this.#sql.close({ timeout: 5 })
  }

  #replace() {
    const silent = this.#sql
    this.#sql = openClient(this.#options, this.#max)
    void silent.close({ timeout: 0 })
    this.#listener?.reopen()
  }
}

/** Connections for changes: each is held by one change, and closed when it does not answer. */
export class ChangePool {
  readonly #options: ClientOptions
  readonly #max: number
  #sql: SQL
  #prepare: boolean

  constructor(options: ClientOptions, max: number) {
    this.#options = options
    this.#max = max
    this.#prepare = options.prepare
    this.#sql = openClient(options, max)
  }

  async take(): Promise<HeldConnection> {
    if (this.#prepare !== this.#options.prepare) {
      const shared = this.#sql
      this.#prepare = this.#options.prepare
      this.#sql = openClient(this.#options, this.#max)
      void shared.close({ timeout: 5 })
    }
    const signal = AbortSignal.timeout(CHANGE_MILLISECONDS)
    try {
      return new HeldConnection(await this.#sql.reserve({ signal }), this.#options)
    } catch (error) {
      throw signal.aborted ? new NoAnswer('No connection became free in time.') : error
    }
  }

  close() {
    return this.#sql.close({ timeout: 5 })
  }
}

export class HeldConnection {
  readonly #connection: ReservedSQL
  readonly #options: ClientOptions

  constructor(connection: ReservedSQL, options: ClientOptions) {
    this.#connection = connection
    this.#options = options
  }

  readonly ask: Ask = async (sql, parameters) => {
    try {
      return await inTime(this.#connection.unsafe(sql, parameters as any[]), CHANGE_MILLISECONDS)
    } catch (error) {
      if (error instanceof NoAnswer) await this.#connection.close()
      if (!isSharedConnection(error)) throw error
      // The change runs again, on a connection without named statements.
      this.#options.prepare = false
      throw new StorageError('undone', error)
    }
  }

  /** Without a time limit, for migrations. */
  readonly askPatiently: Ask = (sql, parameters) => this.#connection.unsafe(sql, parameters as any[])

  release() {
    return this.#connection.release()
  }
}
