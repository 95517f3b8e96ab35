/** Keeps a copy of a whole answer while it passes, up to a length. */

const LONGEST = 1024 * 1024

export class AnswerBytes {
  #pieces: Uint8Array[] = []
  #size = 0

  add(bytes: Uint8Array) {
    this.#size += bytes.length
    if (this.isTooLong) this.#pieces = []
    else this.#pieces.push(new Uint8Array(bytes))
  }

  get isTooLong() {
    return this.#size > LONGEST
  }

  /** The answer as a JSON object; null if it is not one. */
  get object(): object | null {
    try {
      const value: unknown = JSON.parse(Buffer.concat(this.#pieces).toString())
      return typeof value === 'object' ? value : null
    } catch {
      return null
    }
  }
}
