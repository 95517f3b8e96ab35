/**
 * Collects the text of an answer while it passes, in case its upstream does not report usage: the
 * JSON strings behind certain names, still escaped. Nothing is parsed.
 */
import { MOST_COUNTED } from './tokens.ts'

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const FIRST_SIZE = 1024

/**
 * Names of members with their closing quote; a name also stands for longer ones that end with it.
 */
export const namesOfText = (...names: string[]) => names.map((name) => Buffer.from(`${name}"`))

const nothing = Buffer.alloc(0)

export class AnswerText {
  readonly #names: readonly Buffer[]
  #kept: Buffer = nothing
  #length = 0
  /** Bytes of text, also those that are not kept. */
  #bytes = 0

  constructor(names: readonly Buffer[]) {
    this.#names = names
  }

  /**
   * Whether there is text in it. Of several names the first with text counts: others repeat it, or
   * say it in other words.
   */
  add(json: Buffer): boolean {
    for (const name of this.#names) {
      let isFound = false
      for (let at = json.indexOf(name); at >= 0; at = json.indexOf(name, at)) {
        at += name.length
        const start = startOfString(json, at)
        if (start < 0) continue
        at = endOfString(json, start)
        if (at > start) isFound = true
        this.#keep(json, start, at)
      }
      if (isFound) return true
    }
    return false
  }

  #keep(json: Buffer, start: number, end: number) {
    this.#bytes += end - start
    const length = Math.min(end - start, MOST_COUNTED - this.#length)
    if (length <= 0) return
    if (this.#length + length > this.#kept.length) {
      const larger = Buffer.alloc(Math.min(MOST_COUNTED, Math.max(FIRST_SIZE, 2 * (this.#length + length))))
      this.#kept.copy(larger)
      this.#kept = larger
    }
    json.copy(this.#kept, this.#length, start, start + length)
    this.#length += length
  }

  get text(): string {
    return this.#kept.toString('utf8', 0, this.#length)
  }

  /** How many times longer the whole text is than what is kept of it. */
  get factor(): number {
    return this.#length === 0 ? 1 : this.#bytes / this.#length
  }
}

/** Behind a name: where the text of its string begins; negative if its value is none. */
function startOfString(json: Buffer, from: number): number {
  let at = from
  while (isSpace(json[at])) at++
  if (json[at] !== COLON) return -1
  at++
  while (isSpace(json[at])) at++
  return json[at] === QUOTE ? at + 1 : -1
}

const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

function endOfString(json: Buffer, start: number): number {
  for (let end = json.indexOf(QUOTE, start); end >= 0; end = json.indexOf(QUOTE, end + 1)) {
    let escapes = 0
    while (json[end - 1 - escapes] === BACKSLASH) escapes++
    if (escapes % 2 === 0) return end
  }
  return json.length
}
