/**
 * The deadlines of all requests, with one timer for all. Each tick tells a request when its
 * deadline is over or its client has left, and lets it look at whether its key still lives. A timer
 * for each, or a listener on each request's signal, would be quicker to know and costs each request
 * several microseconds.
 */
import type { ApiError } from '../contract/errors.ts'
import type { World } from '../world/world.ts'

const TICK_MILLISECONDS = 100
/** Proxies in front of us cut connections that are silent for a minute, or for half of one. */
const QUIET_MILLISECONDS = 15_000

export class Deadlines {
  readonly #world: World
  readonly #open = new Set<Deadline>()
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(world: World) {
    this.#world = world
  }

  get size() {
    return this.#open.size
  }

  /** `client` is the request's signal. */
  begin(client: AbortSignal): Deadline {
    const deadline = new Deadline(this.#open, client)
    this.#open.add(deadline)
    this.#timer ??= setInterval(() => this.#tick(), TICK_MILLISECONDS)
    return deadline
  }

  /** The server stops: every request that can be told why is told so. */
  stop(error: ApiError) {
    for (const deadline of this.#open) deadline.stop(error)
  }

  #tick() {
    const now = this.#world.steady()
    for (const deadline of this.#open) deadline.tick(now)
    // The timer is stopped here and not when the last request ends: the next one may come in a
    // moment.
    if (this.#open.size > 0 || !this.#timer) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}

/** The deadline of what one request waits for at the moment. */
export class Deadline {
  readonly #open: Set<Deadline>
  readonly #client: AbortSignal
  #milliseconds = 0
  /** Null until the next tick, which starts the deadline: setting one does not read the clock. */
  #until: number | null = null
  #onExpire: (() => void) | null = null
  #expired = false
  /** The deadline alone counts: the client has left, and that is known. */
  ignoresClient = false
  /** Called with each tick until the request ends. */
  onTick: (() => void) | null = null
  /** Called when the server stops and waits no longer. */
  onStop: ((error: ApiError) => void) | null = null
  /** Whether that was so. */
  isStopped = false
  /** Called whenever nothing has set the deadline anew for 15 seconds. */
  onQuiet: (() => void) | null = null
  #quietAt = 0

  constructor(open: Set<Deadline>, client: AbortSignal) {
    this.#open = open
    this.#client = client
  }

  /**
   * True after `onExpire` was called because the time was over, not because the client had left.
   */
  get expired() {
    return this.#expired
  }

  /**
   * Replaces the deadline. `onExpire` is called once: after that time, or when the client has left.
   */
  set(milliseconds: number, onExpire: () => void) {
    this.#milliseconds = milliseconds
    this.#until = null
    this.#onExpire = onExpire
    this.#expired = false
  }

  tick(now: number) {
    this.onTick?.()
    const onExpire = this.#onExpire
    if (!onExpire) return
    if (this.#until === null) {
      this.#until = now + this.#milliseconds
      this.#quietAt = now + QUIET_MILLISECONDS
    }
    if (this.onQuiet && now >= this.#quietAt) {
      this.#quietAt = now + QUIET_MILLISECONDS
      this.onQuiet()
    }
    this.#expired = this.#until < now
    if (!this.#expired && (this.ignoresClient || !this.#client.aborted)) return
    this.#onExpire = null
    onExpire()
  }

  /** Of a request that was ended although its client and its upstream are well. */
  get whyEnded() {
    return this.isStopped ? ('server stopped' as const) : ('key revoked' as const)
  }

  stop(error: ApiError) {
    if (!this.onStop) return
    this.isStopped = true
    this.onTick = null
    this.onStop(error)
  }

  end() {
    this.#onExpire = null
    this.onTick = null
    this.onStop = null
    this.onQuiet = null
    this.#open.delete(this)
  }
}
