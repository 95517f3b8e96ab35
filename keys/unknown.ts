/** A bounded memory of digests that storage did not know, so that guessing costs storage nothing. */
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

  has(digest: Buffer) {
    const until = this.#until.get(digest.toString('base64'))
    return until !== undefined && until > this.#world.now()
  }

  add(digest: Buffer) {
    if (this.#until.size >= MOST_UNKNOWN) this.#until.delete(this.#until.keys().next().value!)
    this.#until.set(digest.toString('base64'), this.#world.now() + FOR_MILLISECONDS)
  }
}
