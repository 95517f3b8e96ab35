/**
 * The names that a scan of a body looks for, and the spellings of them that some parsers take for
 * the same name.
 */
import { invalid } from '../contract/errors.ts'

const BACKSLASH = 0x5c
const CASE_BIT = 0x20
/** No name that is looked for is longer with each of its letters written as `\u0000`. */
const ESCAPED = 6
const decoder = new TextDecoder()

export interface FoundName {
  /** As it is looked for. */
  name: string
  /** False where the body has it in other letters, such as `Model`. */
  isExact: boolean
}

interface Candidate {
  bytes: Uint8Array
  exact: FoundName
  variant: FoundName
}

export class MemberNames {
  /** By length in bytes, so that comparing costs nothing for names of another length. */
  readonly #byLength: (readonly Candidate[] | undefined)[] = []
  readonly #byFolded = new Map<string, Candidate>()
  readonly #names: ReadonlySet<string>
  readonly #longest: number

  constructor(names: readonly string[]) {
    this.#names = new Set(names)
    for (const name of this.#names) {
      const bytes = Buffer.from(name)
      const candidate = { bytes, exact: { name, isExact: true }, variant: { name, isExact: false } }
      this.#byFolded.set(folded(name), candidate)
      this.#byLength[bytes.length] = [...(this.#byLength[bytes.length] ?? []), candidate]
    }
    this.#longest = Math.max(0, ...names.map((name) => name.length)) * ESCAPED
  }

  get size() {
    return this.#byFolded.size
  }

  has(name: string) {
    return this.#names.has(name)
  }

  /** Which of the names a text is, exactly or for a parser that ignores case. */
  find(text: string): FoundName | null {
    const candidate = this.#byFolded.get(folded(text))
    if (!candidate) return null
    return text === candidate.exact.name ? candidate.exact : candidate.variant
  }

  /**
   * Which of the names the JSON string between the quotes at `start` and `end` is, however it is
   * escaped. Throws SyntaxError for an escape that JSON does not have.
   */
  findJson(bytes: Uint8Array, start: number, end: number): FoundName | null {
    const length = end - start - 1
    const candidates = this.#byLength[length]
    if (candidates)
      for (const candidate of candidates) {
        const wanted = candidate.bytes
        let isExact = true
        let n = 0
        for (; n < length; n++) {
          const difference = bytes[start + 1 + n]! ^ wanted[n]!
          if (difference === CASE_BIT) isExact = false
          else if (difference !== 0) break
        }
        if (n < length) continue
        return isExact ? candidate.exact : this.find(decoder.decode(bytes.subarray(start + 1, end)))
      }
    if (length > this.#longest || isPlain(bytes, start + 1, end)) return null
    return this.find(JSON.parse(decoder.decode(bytes.subarray(start, end + 1))) as string)
  }
}

/**
 * The error for a name that some upstreams take for `name`, and others ignore: the gateway cannot
 * know what such an upstream would do.
 */
export const misspelt = (written: string, name: string) =>
  invalid(`Unknown parameter: '${shown(written)}'. Did you mean '${name}'?`, shown(written), 'unknown_parameter')

/** What follows a NUL can be anything, and is not shown. */
const shown = (written: string) => written.replace(/\0.*/s, '\\0')

/**
 * Two names with the same result are one name to some parser. By way of the upper case also `ſ` is
 * an s and the Kelvin sign a k, as Go reads them; parsers in C end a text at the first NUL.
 */
const folded = (text: string) => text.split('\0', 1)[0]!.toUpperCase().toLowerCase()

/** Whether it is ASCII without escapes: then it can only be a name of its own length. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH || bytes[at]! >= 0x80) return false
  return true
}
