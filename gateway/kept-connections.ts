/**
 * How many connections to each server `fetch` may have kept open after an answer. It does not say
 * whether it sent a request on one of them; but with none kept it surely opened a new one. The
 * number is an upper bound, because we do not notice when a server closes an idle connection.
 */
export class KeptConnections {
  readonly #kept = new Map<string, number>()

  /** A request is being sent. Answers whether it may go over a connection that was used before. */
  take(origin: string): boolean {
    const kept = this.#kept.get(origin) ?? 0
    if (kept === 0) return false
    this.#kept.set(origin, kept - 1)
    return true
  }

  /** An answer was read to its end, so that its connection can be used again. */
  give(origin: string) {
    this.#kept.set(origin, (this.#kept.get(origin) ?? 0) + 1)
  }
}
