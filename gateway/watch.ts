/** Time limits of many requests with one timer: each says until when it may wait, and is told when that is over. */

const EVERY_MILLISECONDS = 100

export class Watch {
  readonly #waiting = new Set<Waiting>()
  #timer: ReturnType<typeof setInterval> | null = null

  get size() {
    return this.#waiting.size
  }

  begin(): Waiting {
    const waiting = new Waiting(this.#waiting)
    this.#waiting.add(waiting)
    this.#timer ??= setInterval(() => this.#look(), EVERY_MILLISECONDS)
    return waiting
  }

  #look() {
    const now = performance.now()
    for (const waiting of this.#waiting) if (waiting.until < now) waiting.late()
    // Not when the last one ends: the next may come in a moment.
    if (this.#waiting.size > 0 || !this.#timer) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}

/** What one request waits for at the moment. */
export class Waiting {
  readonly #all: Set<Waiting>
  #onLate: () => void = () => {}
  until = Infinity
  isLate = false

  constructor(all: Set<Waiting>) {
    this.#all = all
  }

  /** From now on that long; then `onLate` is called, once. */
  allow(milliseconds: number, onLate: () => void) {
    this.until = performance.now() + milliseconds
    this.#onLate = onLate
    this.isLate = false
  }

  late() {
    this.until = Infinity
    this.isLate = true
    this.#onLate()
  }

  end() {
    this.until = Infinity
    this.#all.delete(this)
  }
}
