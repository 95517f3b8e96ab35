/** A whole answer, kept while it passes, as long as it is not too long. */

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

  /** The JSON object that it is; null if it is none. */
  get object(): object | null {
    try {
      const value: unknown = JSON.parse(Buffer.concat(this.#pieces).toString())
      return typeof value === 'object' ? value : null
    } catch {
      return null
    }
  }
}
