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

/** The name of the field that the head of a part gives; null without one. Throws 400 for a head that gives two, which parsers read in two ways. */
function nameIn(head: string): string | null {
  const dispositions = [...head.matchAll(/^content-disposition:(.*)$/gim)]
  const parameters = dispositions.flatMap(([, value]) => [
    ...value!.matchAll(/;\s*([^\s=;"]+)\s*=\s*("(?:\\.|[^"\\])*"|[^\s;"]*)/g),
  ])
  const names = parameters.filter(([, parameter]) => parameter!.toLowerCase() === 'name')
  if (dispositions.length > 1 || names.length > 1) throw malformed()
  return names[0]?.[2]!.replace(/^"(.*)"$/, '$1') ?? null
}

/** Is fed the pieces of a form as they come, and says the model as soon as it is known. Throws 400 for a form that names it twice. */
export class FormScan {
  readonly #delimiter: Buffer
  readonly #nextDelimiter: Buffer
  #state: 'start' | 'delimited' | 'head' | 'value' | 'model' | 'ended' = 'start'
  /** What was fed and not read yet. */
  #rest: Buffer = Buffer.alloc(0)
  /** `undefined` while more must come, null when the form has ended without the field. */
  model: string | null | undefined

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`--${boundary}`)
    this.#nextDelimiter = Buffer.from(`\r\n--${boundary}`)
  }

  feed(piece: Uint8Array) {
    if (this.#state === 'ended') return
    const fed = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const form = this.#rest.length === 0 ? fed : Buffer.concat([this.#rest, fed])
    let at = 0
    for (let next = this.#step(form, at); next >= 0; next = this.#step(form, at)) at = next
    // Of a file only the bytes are kept that may be the beginning of a delimiter.
    if (this.#state === 'value') at = Math.max(at, form.length - this.#nextDelimiter.length)
    this.#rest = Buffer.from(form.subarray(at))
  }

  /** Where to go on reading, or a negative number when more must come. */
  #step(form: Buffer, at: number): number {
    switch (this.#state) {
      case 'start': {
        // Some clients begin with a line break, as before every other delimiter.
        if (form.length < at + 2) return -1
        const begin = form.toString('latin1', at, at + 2) === '\r\n' ? at + 2 : at
        const end = begin + this.#delimiter.length
        if (form.length < end) return -1
        if (!form.subarray(begin, end).equals(this.#delimiter)) throw malformed()
        this.#state = 'delimited'
        return end
      }
      case 'delimited': {
        if (form.length < at + 2) return -1
        const mark = form.toString('latin1', at, at + 2)
        // Anything else would be a delimiter to some parsers, and not to others.
        if (mark !== '\r\n' && mark !== '--') throw malformed()
        this.#state = mark === '--' ? 'ended' : 'head'
        if (mark === '--') this.model ??= null
        return mark === '--' ? form.length : at
      }
      case 'head': {
        const end = form.indexOf('\r\n\r\n', at)
        if ((end < 0 ? form.length : end) - at > LONGEST_HEAD) throw malformed()
        if (end < 0) return -1
        this.#state = nameIn(form.toString('latin1', at, end)) === 'model' ? 'model' : 'value'
        // The last line break of the head can be the first of the delimiter: then the value is empty.
        return end + 2
      }
      case 'value':
      case 'model': {
        const end = form.indexOf(this.#nextDelimiter, at)
        if (this.#state === 'model') {
          if ((end < 0 ? form.length : end) - at > LONGEST_MODEL) throw malformed()
          if (end >= 0) this.#found(form.toString('utf8', at + 2, end))
        }
        if (end < 0) return -1
        this.#state = 'delimited'
        return end + this.#nextDelimiter.length
      }
      case 'ended':
        return -1
    }
  }

  #found(model: string) {
    if (typeof this.model === 'string') throw invalid("The form names 'model' more than once.", 'model')
    this.model = model
  }
}
