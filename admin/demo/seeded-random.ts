/**
 * Random numbers that are the same on each run: Mulberry32, a generator with 32 bits of state. Good
 * for demo data, not for secrets.
 */
import { base62, base62Number } from '../../world/random.ts'

export class SeededRandom {
  #state: number
  #ids = 0

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number, both ends included. */
  between(least: number, most: number) {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.between(0, items.length - 1)]!
  }

  /** True with this probability, in percent. */
  percent(share: number) {
    return this.next() * 100 < share
  }

  /** Like `World.random`. */
  readonly bytes = (size: number) => Uint8Array.from({ length: size }, () => this.between(0, 255))

  /** An id like one that was made at that second. */
  id(prefix: string, second: number) {
    return `${prefix}${base62Number(second * 1000 + (this.#ids++ % 1000), 7)}00${base62(this.bytes, 15)}`
  }
}
