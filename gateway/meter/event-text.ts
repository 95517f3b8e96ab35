/**
 * Keeps the events of a stream in case its upstream does not report usage. Most report it at the
 * end, so events are searched for text only when many are kept.
 */
import { endOfEvent } from '../event-filter.ts'
import { AnswerText } from './answer-text.ts'

const MOST_KEPT = 64 * 1024
const FIRST_SIZE = 4 * 1024
const nothing = Buffer.alloc(0)

export class EventText {
  readonly #text: AnswerText
  /** How many events had text: most servers send one for each token. */
  #events = 0
  #kept: Buffer = nothing
  #length = 0

  /** The names that text stands behind; see `AnswerText`. */
  constructor(names: readonly Buffer[]) {
    this.#text = new AnswerText(names)
  }

  /** Whole events, each with its empty line. They are copied. */
  add(events: Uint8Array) {
    if (this.#length + events.length > MOST_KEPT) this.#look()
    if (events.length > MOST_KEPT) return this.#lookThrough(Buffer.from(events))
    const length = this.#length + events.length
    if (length > this.#kept.length) this.#grow(length)
    this.#kept.set(events, this.#length)
    this.#length = length
  }

  #grow(length: number) {
    const larger = Buffer.allocUnsafeSlow(Math.min(MOST_KEPT, Math.max(FIRST_SIZE, 4 * length)))
    this.#kept.copy(larger, 0, 0, this.#length)
    this.#kept = larger
  }

  #look() {
    this.#lookThrough(this.#kept.subarray(0, this.#length))
    this.#length = 0
  }

  #lookThrough(events: Buffer) {
    for (let start = 0; start < events.length;) {
      const end = endOfEvent(events, start)
      const next = end < 0 ? events.length : end
      if (this.#text.add(events.subarray(start, next))) this.#events++
      start = next
    }
  }

  /**
   * The text, escaped as in JSON; how many times longer all of it is; and how many events had some.
   */
  counted(): { text: string; factor: number; events: number } {
    this.#look()
    return { text: this.#text.text, factor: this.#text.factor, events: this.#events }
  }
}
