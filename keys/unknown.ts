/**
 * A bounded memory of digests that storage did not know, for keys that Keyhall made and that are gone: whoever goes on using one costs
 * storage nothing. Guesses do not come here: they have no seal.
 */
import type { World } from './world.ts'

export const MOST_UNKNOWN = 10_000
const FOR_MILLISECONDS = 5_000

export class UnknownKeys {
  readonly #world: World
  readonly #until = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  get size() {
    return this.#until.size
  }

  /** Digests are named as in `digest.ts`. */
  has(digest: string) {
    const until = this.#until.get(digest)
    return until !== undefined && until > this.#world.now()
  }

  add(digest: string) {
    if (this.#until.size >= MOST_UNKNOWN) this.#until.delete(this.#until.keys().next().value!)
    this.#until.set(digest, this.#world.now() + FOR_MILLISECONDS)
  }
}
