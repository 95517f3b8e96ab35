/**
 * Digests that storage did not know, remembered for five seconds: a client that keeps using a
 * deleted key does not cost a query each time. Guesses never get here, because they have no seal.
 */
import type { World } from '../world/world.ts'

export const MOST_UNKNOWN = 10_000
const LIFETIME_MILLISECONDS = 5_000

export class NegativeCache {
  readonly #world: World
  readonly #expiry = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  get size() {
    return this.#expiry.size
  }

  clear() {
    this.#expiry.clear()
  }

  /** `digest` is a latin1 string. */
  has(digest: string) {
    const expiry = this.#expiry.get(digest)
    return expiry !== undefined && expiry > this.#world.steady()
  }

  add(digest: string) {
    if (this.#expiry.size >= MOST_UNKNOWN) this.#expiry.delete(this.#expiry.keys().next().value!)
    this.#expiry.set(digest, this.#world.steady() + LIFETIME_MILLISECONDS)
  }
}
