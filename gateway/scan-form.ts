/** Finds the field `model` in a multipart form while the form arrives, holding as little of it as possible. */
import { invalid } from '../contract/errors.ts'

/** Most bytes that the head of one part may have. */
const LONGEST_HEAD = 16 * 1024
const LONGEST_MODEL = 1024

const malformed = () => invalid('We could not parse the multipart form of your request.', null, null)

/** The delimiter that a `multipart/form-data` content type announces. Throws 400 without one. */
export function boundaryOf(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"\\]{1,70})"|([^\s;",]{1,70}))\s*(?:;|$)/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (!boundary) throw malformed()
  return boundary
}

/** Fed with what has arrived so far, from its beginning; says the model as soon as it is known, or that there is none. */
export class FormScan {
  readonly #delimiter: Buffer
  /** Where the part begins that is looked at. */
  #at = 0
  /** How far the search for the next delimiter has come. */
  #searched = 0
  #started = false

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`--${boundary}`)
  }

  /** `undefined` while more must arrive, null when the form has ended without the field. */
  model(form: Buffer): string | null | undefined {
    for (;;) {
      if (!this.#started) {
        if (form.length < this.#delimiter.length + 2) return undefined
        if (!form.subarray(0, this.#delimiter.length).equals(this.#delimiter)) throw malformed()
        this.#started = true
        this.#at = this.#searched = this.#delimiter.length
      }
      if (form.length < this.#at + 2) return undefined
      if (form.toString('latin1', this.#at, this.#at + 2) === '--') return null
      const headEnd = form.indexOf('\r\n\r\n', this.#at)
      if (headEnd < 0 || headEnd - this.#at > LONGEST_HEAD) {
        if (form.length - this.#at > LONGEST_HEAD) throw malformed()
        return undefined
      }
      const next = form.indexOf(
        `\r\n${this.#delimiter.toString('latin1')}`,
        Math.max(this.#searched, headEnd + 2),
        'latin1',
      )
      const isModel = /^content-disposition:.*;\s*name="?model"?\s*(?:;|$)/im.test(
        form.toString('latin1', this.#at, headEnd),
      )
      if (isModel && (next < 0 ? form.length : next) - headEnd > LONGEST_MODEL) throw malformed()
      if (next < 0) {
        this.#searched = Math.max(headEnd + 2, form.length - this.#delimiter.length - 2)
        return undefined
      }
      if (isModel) return form.toString('utf8', headEnd + 4, next)
      this.#at = this.#searched = next + 2 + this.#delimiter.length
    }
  }
}
