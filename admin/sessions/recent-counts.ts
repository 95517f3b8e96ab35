/** Counts what happened lately under a name, in memory, so that it does not happen too often. */
import type { World } from '../../world/world.ts'

const MOST_NAMES = 10_000

export class RecentCounts {
  readonly #world: Pick<World, 'steady'>
  readonly #most: number
  readonly #milliseconds: number
  /** When each name was counted; the names that were counted longest ago come first. */
  readonly #times = new Map<string, number[]>()

  constructor(world: Pick<World, 'steady'>, { most, seconds }: { most: number; seconds: number }) {
    this.#world = world
    this.#most = most
    this.#milliseconds = seconds * 1000
  }

  /** Counts once more: null, or in how many seconds there is room again. */
  take(name: string): number | null {
    const now = this.#world.steady()
    const recent = (this.#times.get(name) ?? []).filter((at) => at > now - this.#milliseconds)
    if (recent.length >= this.#most) return Math.max(1, Math.ceil((recent[0]! + this.#milliseconds - now) / 1000))
    this.#times.delete(name)
    if (this.#times.size >= MOST_NAMES) this.#times.delete(this.#times.keys().next().value!)
    this.#times.set(name, [...recent, now])
    return null
  }
}
