/** Days and working hours of the demo's history, in Unix seconds. */
import type { SeededRandom } from './seeded-random.ts'

export const DAY = 86_400
/** How long the history is: a year and a half. */
export const DAYS = 548

export class Calendar {
  /** The midnight (UTC) at which the history ends. */
  readonly today: number
  readonly began: number
  readonly #random: SeededRandom

  constructor(today: number, random: SeededRandom) {
    this.today = today
    this.began = today - DAYS * DAY
    this.#random = random
  }

  /** A random time in the working hours of that day of the history. */
  on(day: number) {
    return this.began + Math.floor(day) * DAY + this.#random.between(8 * 3600, 18 * 3600)
  }

  /** A random time between two times, in working hours where possible. */
  between(from: number, to: number) {
    const [first, last] = [from, to].map((time) => Math.floor((time - this.began) / DAY)) as [number, number]
    return Math.min(to, Math.max(from, this.on(this.#random.between(first, Math.max(first, last - 1)))))
  }
}
