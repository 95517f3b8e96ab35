/**
 * Time limits of many requests with one timer: each says until when it may wait, and is told when that is over, or when its client has
 * left. A listener on every request's signal would be quicker to know and costs each request several microseconds.
 */

const EVERY_MILLISECONDS = 100

export class Watch {
  readonly #waiting = new Set<Waiting>()
  #timer: ReturnType<typeof setInterval> | null = null

  get size() {
    return this.#waiting.size
  }

  /** `client` is the request's signal. */
  begin(client: AbortSignal): Waiting {
    const waiting = new Waiting(this.#waiting, client)
    this.#waiting.add(waiting)
    this.#timer ??= setInterval(() => this.#look(), EVERY_MILLISECONDS)
    return waiting
  }

  #look() {
    const now = performance.now()
    for (const waiting of this.#waiting) waiting.look(now)
    // Not when the last one ends: the next may come in a moment.
    if (this.#waiting.size > 0 || !this.#timer) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}

/** What one request waits for at the moment. */
export class Waiting {
  readonly #all: Set<Waiting>
  readonly #client: AbortSignal
  #milliseconds = 0
  /** Null until the next look: a limit begins there, so that to set one costs no look at the clock. */
  #until: number | null = null
  #onOver: (() => void) | null = null
  isLate = false

  constructor(all: Set<Waiting>, client: AbortSignal) {
    this.#all = all
    this.#client = client
  }

  /** From now on that long; then, or when the client has left, `onOver` is called, once. `isLate` says which. */
  allow(milliseconds: number, onOver: () => void) {
    this.#milliseconds = milliseconds
    this.#until = null
    this.#onOver = onOver
    this.isLate = false
  }

  look(now: number) {
    const onOver = this.#onOver
    if (!onOver) return
    this.#until ??= now + this.#milliseconds
    this.isLate = this.#until < now
    if (!this.isLate && !this.#client.aborted) return
    this.#onOver = null
    onOver()
  }

  end() {
    this.#onOver = null
    this.#all.delete(this)
  }
}
