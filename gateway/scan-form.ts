/**
 * Finds the field `model`, and others that are looked for, in a multipart form while it arrives,
 * and holds as little of it as possible.
 */
import { invalid } from '../contract/errors.ts'
import { fieldIn, malformedForm } from './form-head.ts'
import { MemberNames, misspelt } from './member-names.ts'

const onlyModel = new MemberNames(['model'])

/** Most bytes that the head of one part, and the value of a field that is looked for, may have. */
const LONGEST_HEAD = 16 * 1024
const LONGEST_VALUE = 1024

/** The delimiter that a `multipart/form-data` content type announces. Throws 400 without one. */
export function boundaryOf(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"\\]{1,70})"|([^\s;",]{1,70}))\s*(?:;|$)/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (!boundary) throw malformedForm()
  return boundary
}

/**
 * Takes the pieces of a form as they come. Throws 400 for a form that has a field that is looked
 * for twice or in other letters.
 */
export class FormScan {
  readonly #delimiter: Buffer
  readonly #nextDelimiter: Buffer
  #state: 'start' | 'delimited' | 'head' | 'value' | 'field' | 'ended' = 'start'
  readonly #names: MemberNames
  /** The name of the field whose value comes next. */
  #name = ''
  /** The fields that were looked for. */
  readonly fields = new Map<string, string>()
  /** What was fed and not read yet. */
  #rest: Buffer = Buffer.alloc(0)
  /** `undefined` while more must come, null when the form has ended without the field. */
  model: string | null | undefined

  constructor(boundary: string, names: MemberNames = onlyModel) {
    this.#names = names
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
        if (!form.subarray(begin, end).equals(this.#delimiter)) throw malformedForm()
        this.#state = 'delimited'
        return end
      }
      case 'delimited': {
        if (form.length < at + 2) return -1
        const mark = form.toString('latin1', at, at + 2)
        // Anything else would be a delimiter to some parsers, and not to others.
        if (mark !== '\r\n' && mark !== '--') throw malformedForm()
        this.#state = mark === '--' ? 'ended' : 'head'
        if (mark === '--') this.model ??= null
        return mark === '--' ? form.length : at
      }
      case 'head': {
        const end = form.indexOf('\r\n\r\n', at)
        if ((end < 0 ? form.length : end) - at > LONGEST_HEAD) throw malformedForm()
        if (end < 0) return -1
        const { name, isPlainText } = fieldIn(form.toString('utf8', at, end))
        const found = name === null ? null : this.#names.find(name)
        if (found && !found.isExact) throw misspelt(name!, found.name)
        if (found && !isPlainText) throw malformedForm()
        this.#state = found ? 'field' : 'value'
        if (found) this.#name = found.name
        // The last line break of the head can be the first of the delimiter: then the value is
        // empty.
        return end + 2
      }
      case 'value':
      case 'field': {
        const end = form.indexOf(this.#nextDelimiter, at)
        if (this.#state === 'field') {
          if ((end < 0 ? form.length : end) - at > LONGEST_VALUE) throw malformedForm()
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

  #found(value: string) {
    const name = this.#name
    if (this.fields.has(name)) throw invalid(`The form names '${name}' more than once.`, name)
    this.fields.set(name, value)
    if (name === 'model') this.model = value
  }
}
