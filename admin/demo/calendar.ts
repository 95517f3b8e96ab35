/** Days and working hours of the demo's history, in Unix seconds. */
import type { Chance } from './chance.ts'

export const DAY = 86_400
/** A year and a half. */
export const DAYS = 548

export class Calendar {
  /** The midnight (UTC) before which everything has happened. */
  readonly today: number
  readonly began: number
  readonly #chance: Chance

  constructor(today: number, chance: Chance) {
    this.today = today
    this.began = today - DAYS * DAY
    this.#chance = chance
  }

  /** Some working hour of that day since the beginning. */
  on(day: number) {
    return this.began + Math.floor(day) * DAY + this.#chance.between(8 * 3600, 18 * 3600)
  }

  /** Some working hour between two moments, and in any case between them. */
  amid(from: number, to: number) {
    const [first, last] = [from, to].map((time) => Math.floor((time - this.began) / DAY)) as [number, number]
    return Math.min(to, Math.max(from, this.on(this.#chance.between(first, Math.max(first, last - 1)))))
  }
}
