/**
 * Hears what other processes announce with NOTIFY, or asks often where notifications do not arrive.
 */
import type { SQL } from 'bun'
import { base62 } from '../world/random.ts'
import { openClient, pause, type Ask, type ClientOptions } from './postgres-client.ts'

/** How long to wait for a notification of our own before notifications count as not arriving. */
const TRIAL_MILLISECONDS = 1_000
/** How often to ask where notifications do not arrive. */
const POLL_MILLISECONDS = 50

export interface Listener {
  /** Opens a new connection, because this one may have been lost without an error. */
  reopen: () => void
  close: () => Promise<void>
}

/**
 * Behind a pooler that shares connections, LISTEN is accepted but nothing arrives, so it is tried
 * out first.
 */
export async function startListener(
  options: ClientOptions,
  channel: string,
  ask: Ask,
  heard: () => void,
): Promise<Listener> {
  const connected = new ConnectedListener(options, channel, heard)
  await connected.open()
  if (options.prepare || (await connected.hears(ask))) return connected
  await connected.close()
  return new PollingListener(heard)
}

/** One connection that listens. Bun reconnects one that was closed. */
class ConnectedListener implements Listener {
  readonly #options: ClientOptions
  readonly #channel: string
  readonly #heard: () => void
  #trial: { text: string; pass: () => void } | null = null
  #sql: SQL | null = null
  #closed = false

  constructor(options: ClientOptions, channel: string, heard: () => void) {
    this.#options = options
    this.#channel = channel
    this.#heard = heard
  }

  async open() {
    const sql = (this.#sql = openClient({ ...this.#options, prepare: false }, 1))
    await sql.listen(this.#channel, this.#onNotification, this.#heard)
  }

  /** Whether a notification that is sent now arrives. */
  async hears(ask: Ask): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const text = base62(this.#options.world.random, 22)
    this.#trial = { text, pass: () => resolve(true) }
    await ask('select pg_notify($1, $2)', [this.#channel, text])
    return Promise.race([promise, pause(TRIAL_MILLISECONDS).then(() => false)])
  }

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

  readonly #onNotification = (text: unknown) => {
    if (text === this.#trial?.text) this.#trial?.pass()
    this.#heard()
  }
}

class PollingListener implements Listener {
  readonly #timer: ReturnType<typeof setInterval>

  constructor(heard: () => void) {
    this.#timer = setInterval(heard, POLL_MILLISECONDS)
    this.#timer.unref()
  }

  reopen() {}

  async close() {
    clearInterval(this.#timer)
  }
}
