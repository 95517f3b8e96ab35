/**
 * A reader of DER, the form in which certificates are written: strict, because what two readers
 * understand differently can pass for something that it is not.
 */

export class NotDer extends Error {}

export interface Element {
  tag: number
  content: Buffer
  /** With tag and length. */
  whole: Buffer
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const

/** Reads elements that stand one behind the other. */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd() {
    return this.#at === this.#bytes.length
  }

  /** The next element, which must have this tag if one is given. */
  next(tag?: number): Element {
    const start = this.#at
    const found = this.#byte()
    if ((found & 0x1f) === 0x1f) throw new NotDer('a tag of several bytes')
    const length = this.#length()
    if (length > this.#bytes.length - this.#at) throw new NotDer('an element is longer than what it is in')
    this.#at += length
    if (tag !== undefined && found !== tag) throw new NotDer(`tag ${found} at byte ${start}, where ${tag} was expected`)
    return {
      tag: found,
      content: this.#bytes.subarray(this.#at - length, this.#at),
      whole: this.#bytes.subarray(start, this.#at),
    }
  }

  /** The next element if it has this tag; null leaves it where it is. */
  optional(tag: number): Element | null {
    return this.#bytes[this.#at] === tag ? this.next() : null
  }

  requireEnd() {
    if (!this.isAtEnd) throw new NotDer('more bytes than expected')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new NotDer('an element breaks off')
    return byte
  }

  /** In the shortest form, and never of indefinite length. */
  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > 3) throw new NotDer('a length that certificates do not have')
    let length = 0
    for (let n = 0; n < count; n++) length = length * 256 + this.#byte()
    if (length < 0x80 || length < 256 ** (count - 1)) throw new NotDer('a length that is not in its shortest form')
    return length
  }
}

/** What is inside an element, as one reader that must be read to its end. */
export function inside<Result>(element: Element, read: (inner: DerReader) => Result): Result {
  const inner = new DerReader(element.content)
  const result = read(inner)
  inner.requireEnd()
  return result
}

/** An object identifier with dots: `2.5.29.15`. */
export function oidOf({ content }: Element): string {
  const numbers: number[] = []
  let value = 0
  for (const [n, byte] of content.entries()) {
    if (value === 0 && byte === 0x80) throw new NotDer('an object identifier that is not in its shortest form')
    value = value * 128 + (byte & 0x7f)
    if (value > Number.MAX_SAFE_INTEGER / 128) throw new NotDer('an object identifier that is too large')
    if (byte & 0x80) {
      if (n === content.length - 1) throw new NotDer('an object identifier breaks off')
      continue
    }
    if (numbers.length === 0) numbers.push(Math.min(2, Math.floor(value / 40)))
    numbers.push(numbers.length === 1 ? value - numbers[0]! * 40 : value)
    value = 0
  }
  if (numbers.length === 0) throw new NotDer('an empty object identifier')
  return numbers.join('.')
}

export function booleanOf({ content }: Element): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new NotDer('a boolean of another form')
  return content[0] === 0xff
}

/** A number from 0 to 127 fits in one byte; a path length needs no more. */
export function smallIntegerOf({ content }: Element): number {
  if (content.length !== 1 || content[0]! > 0x7f) throw new NotDer('a number that is negative or too large')
  return content[0]!
}

/** The places of the bits that are set. */
export function bitsOf({ content }: Element): ReadonlySet<number> {
  const unused = content[0]
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0))
    throw new NotDer('bits of another form')
  const set = new Set<number>()
  for (let bit = 0; bit < (content.length - 1) * 8 - unused; bit++)
    if (content[1 + (bit >> 3)]! & (0x80 >> (bit & 7))) set.add(bit)
  return set
}

/** A time in one of the two forms that certificates have, in Unix seconds. */
export function timeOf({ tag, content }: Element): number {
  const text = content.toString('latin1')
  const [, years, rest] =
    /^(\d\d)(\d{10})Z$/.exec(tag === tags.utcTime ? text : tag === tags.generalizedTime ? text.slice(2) : '') ?? []
  const [, month, day, hour, minute, second] = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(rest ?? '') ?? []
  const century = tag === tags.generalizedTime ? text.slice(0, 2) : Number(years) < 50 ? '20' : '19'
  const iso = `${century}${years}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const time = new Date(iso)
  if (!/^\d\d$/.test(century) || Number.isNaN(time.getTime()) || time.toISOString() !== iso)
    throw new NotDer('a time of another form')
  return time.getTime() / 1000
}
