/**
 * Connections to PostgreSQL that do not wait for ever: a server that hangs, or a network that drops
 * everything, never says that it is gone. A statement that gets no answer in time fails, and its
 * connection is not used again.
 */
import type { ReservedSQL } from 'bun'
import { StorageError } from './storage-errors.ts'
import { inTime, revised, type Ask, type ClientOptions } from './postgres-client.ts'
import { Clients, type Client } from './postgres-clients.ts'
import { isOutdatedStatement, isSharedConnection, NoAnswer } from './postgres-faults.ts'
import { startListener, type Listener } from './postgres-listener.ts'

const READ_MILLISECONDS = 5_000
/** A change may wait for others on the same rows. */
const CHANGE_MILLISECONDS = 10_000

/** Connections for single statements. When none of them answers any more, all are replaced. */
export class ReadPool {
  readonly #options: ClientOptions
  readonly #max: number
  #clients: Clients
  /** `World.steady` of the newest answer. */
  #answered = 0
  #listener: Listener | null = null

  constructor(options: ClientOptions, max: number) {
    this.#options = options
    this.#max = max
    this.#clients = new Clients(options, max)
  }

  readonly ask: Ask = async (sql, parameters) => {
    const clients = this.#clients
    const client = clients.leastBusy()
    const { steady } = this.#options.world
    const began = steady()
    client.busy++
    const { revision } = this.#options
    const query = client.sql.unsafe(revised(sql, this.#options), parameters as any[])
    try {
      const rows = await inTime(query, READ_MILLISECONDS)
      this.#answered = steady()
      return rows
    } catch (error) {
      if (isSharedConnection(error) && this.#options.prepare) {
        this.#options.prepare = false
        this.#replace()
        return await this.ask(sql, parameters)
      }
      if (isOutdatedStatement(error)) {
        this.#options.revision = revision + 1
        return await this.ask(sql, parameters)
      }
      if (clients.hasOthersInsteadOf(client, error)) return await this.ask(sql, parameters)
      if (!(error instanceof NoAnswer)) throw error
      // Others were answered meanwhile, so it is this statement that is slow.
      if (this.#answered > began) void query.cancel()
      else if (this.#clients === clients) this.#replace()
      throw error
    } finally {
      client.busy--
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
    return this.#clients.close(5)
  }

  #replace() {
    const silent = this.#clients
    this.#clients = new Clients(this.#options, this.#max)
    void silent.close(0)
    this.#listener?.reopen()
  }
}

/** A client that is held, and those that it belongs to. */
interface Held {
  clients: Clients
  client: Client
}

/** Connections for changes: each is held by one change, and closed when it does not answer. */
export class ChangePool {
  readonly #options: ClientOptions
  readonly #max: number
  #clients: Clients
  #prepare: boolean
  /** Changes that wait for a connection, in their order. */
  readonly #waiting: ((held: Held) => void)[] = []

  constructor(options: ClientOptions, max: number) {
    this.#options = options
    this.#max = max
    this.#prepare = options.prepare
    this.#clients = new Clients(options, max)
  }

  async take(): Promise<HeldConnection> {
    if (this.#prepare !== this.#options.prepare) this.#replace()
    const signal = AbortSignal.timeout(CHANGE_MILLISECONDS)
    for (;;) {
      const held = this.#hold() ?? (await this.#wait(signal))
      try {
        const connection = await held.client.sql.reserve({ signal })
        return new HeldConnection(connection, this.#options, (isBroken) => this.#giveBack(held, isBroken))
      } catch (error) {
        const hasOthers = held.clients.hasOthersInsteadOf(held.client, error)
        this.#giveBack(held, false)
        if (!hasOthers) throw signal.aborted ? noneFree() : error
      }
    }
  }

  close() {
    return this.#clients.close(5)
  }

  /** Null where all are held, or others came first. */
  #hold(): Held | null {
    const client = this.#waiting.length === 0 ? this.#clients.free() : null
    if (!client) return null
    client.busy++
    return { clients: this.#clients, client }
  }

  #wait(signal: AbortSignal): Promise<Held> {
    const { promise, resolve, reject } = Promise.withResolvers<Held>()
    this.#waiting.push(resolve)
    signal.addEventListener('abort', () => {
      const at = this.#waiting.indexOf(resolve)
      if (at >= 0) this.#waiting.splice(at, 1)
      reject(noneFree())
    })
    return promise
  }

  #giveBack({ clients, client }: Held, isBroken: boolean) {
    client.busy--
    if (isBroken || clients !== this.#clients) clients.drop(client)
    if (this.#waiting.length === 0) return
    const next = this.#clients.free()
    if (!next) return
    next.busy++
    this.#waiting.shift()!({ clients: this.#clients, client: next })
  }

  /** Connections that are held are closed when they are given back. */
  #replace() {
    const shared = this.#clients
    this.#prepare = this.#options.prepare
    this.#clients = new Clients(this.#options, this.#max)
    shared.dropFree()
  }
}

const noneFree = () => new NoAnswer('No connection became free in time.')

export class HeldConnection {
  readonly #connection: ReservedSQL
  readonly #options: ClientOptions

  readonly #giveBack: (isBroken: boolean) => void
  #isBroken = false

  constructor(connection: ReservedSQL, options: ClientOptions, giveBack: (isBroken: boolean) => void) {
    this.#connection = connection
    this.#options = options
    this.#giveBack = giveBack
  }

  readonly ask: Ask = async (sql, parameters) => {
    const { revision } = this.#options
    try {
      const query = this.#connection.unsafe(revised(sql, this.#options), parameters as any[])
      return await inTime(query, CHANGE_MILLISECONDS)
    } catch (error) {
      if (error instanceof NoAnswer) {
        this.#isBroken = true
        await this.#connection.close()
      }
      if (isOutdatedStatement(error)) {
        this.#options.revision = revision + 1
        throw new StorageError('undone', error)
      }
      if (!isSharedConnection(error)) throw error
      // The change runs again, on a connection without named statements.
      this.#options.prepare = false
      throw new StorageError('undone', error)
    }
  }

  /** Without a time limit, for migrations. */
  readonly askPatiently: Ask = (sql, parameters) => this.#connection.unsafe(sql, parameters as any[])

  async release() {
    await this.#connection.release()
    this.#giveBack(this.#isBroken)
  }
}
