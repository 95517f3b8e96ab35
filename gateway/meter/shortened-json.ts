/**
 * Keeps JSON while it passes, without its long strings: images in base64 are megabytes, and what
 * is counted stands around them.
 */
import { BACKSLASH, QUOTE } from './json-bytes.ts'

/** A longer string is kept as an empty one. */
const LONGEST_STRING = 4096
/** Of what is longer without its long strings, the rest is not kept. */
const MOST_KEPT = 256 * 1024

export class ShortenedJson {
  #kept: Uint8Array[] = []
  #keptBytes = 0
  /** The string that has not ended, without its quotes; null outside of one. */
  #string: Uint8Array[] | null = null
  #stringBytes = 0
  /** Inside a string: whether a backslash was last that escapes what comes next. */
  #escapes = false

  add(bytes: Uint8Array) {
    for (let at = 0; at < bytes.length;) at = this.#string ? this.#inString(bytes, at) : this.#outside(bytes, at)
  }

  /** What passed since this was called last. */
  take(): string {
    const text = Buffer.concat(this.#kept).toString()
    this.#kept = []
    this.#keptBytes = 0
    return text
  }

  /** Each answers where to go on. */
  #outside(bytes: Uint8Array, from: number): number {
    const quote = bytes.indexOf(QUOTE, from)
    const end = quote < 0 ? bytes.length : quote + 1
    this.#keep(bytes.subarray(from, end))
    if (quote >= 0) this.#string = []
    return end
  }

  #inString(bytes: Uint8Array, from: number): number {
    const quote = this.#closingQuote(bytes, from)
    const end = quote < 0 ? bytes.length : quote
    this.#stringBytes += end - from
    if (this.#stringBytes > LONGEST_STRING) this.#string = []
    else this.#string!.push(new Uint8Array(bytes.subarray(from, end)))
    if (quote < 0) return end
    for (const part of this.#string!) this.#keep(part)
    this.#keep(bytes.subarray(quote, quote + 1))
    this.#string = null
    this.#stringBytes = 0
    return quote + 1
  }

  /** Negative where the string does not end in these bytes. */
  #closingQuote(bytes: Uint8Array, from: number): number {
    const isEscaped = (at: number) => {
      let count = 0
      while (at - count > from && bytes[at - count - 1] === BACKSLASH) count++
      return (at - count === from && this.#escapes ? count + 1 : count) % 2 === 1
    }
    for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
      if (isEscaped(at)) continue
      this.#escapes = false
      return at
    }
    this.#escapes = isEscaped(bytes.length)
    return -1
  }

  /** Copied, because a piece may be used again when the next one comes. */
  #keep(bytes: Uint8Array) {
    this.#keptBytes += bytes.length
    if (this.#keptBytes <= MOST_KEPT) this.#kept.push(new Uint8Array(bytes))
  }
}
