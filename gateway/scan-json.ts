/**
 * Finds members of a JSON body without building its objects: bodies are up to tens of megabytes,
 * and the gateway needs a few words of them. What two parsers could read in two ways is refused, so
 * that the upstream cannot see another model than we did. Whether the rest is correct JSON is for
 * the upstream to say.
 */
import { invalid } from '../contract/errors.ts'
import { MemberNames, misspelt, type FoundName } from './member-names.ts'

const DEEPEST = 128
/**
 * Most bytes of the model as the body has it: it is compared with patterns and names, and no model
 * has such a name.
 */
export const LONGEST_MODEL = 1024
const [QUOTE, BACKSLASH, COLON, COMMA, OPEN, CLOSE] = [0x22, 0x5c, 0x3a, 0x2c, 0x7b, 0x7d]

/**
 * The characters outside strings: white space, brackets, colons, commas, numbers, `true`, `false`,
 * `null`.
 */
const outside = new Uint8Array(256)
for (const character of ' \t\r\n{}[]:,"-+.0123456789eEtrufalsn') outside[character.charCodeAt(0)] = 1

const NULL = [...Buffer.from('null')]
const decoder = new TextDecoder()

const malformed = () => invalid('We could not parse the JSON body of your request.', null, null)

/** What is looked for. */
export interface ScanNames {
  /** Keys at the top level. `model` must be among them. */
  members: MemberNames
  /** Fields of a form, `model` among them. */
  fields: MemberNames
  /** Keys at any depth. */
  nested: MemberNames
}

export const scanNames = (members: readonly string[], nested: readonly string[], fields = members): ScanNames => ({
  fields: new MemberNames(['model', ...fields]),
  members: new MemberNames(['model', ...members]),
  nested: new MemberNames(nested),
})

/** Where a value begins, and the byte after its last. */
export interface Span {
  start: number
  end: number
}

export interface ScannedJson {
  /** The model that the body names at its top level. */
  model: string | null
  /** The members that were looked for and are there; empty where only `model` is looked for. */
  members: ReadonlyMap<string, Span>
  nested: ReadonlySet<string>
  /** Where the object ends: before its last brace. */
  end: number
  isEmpty: boolean
  lookedFor: MemberNames
}

const nowhere: ReadonlyMap<string, Span> = new Map()
const none: ReadonlySet<string> = new Set()

/**
 * Throws 400 for what is no JSON object, is nested too deeply, or names a member that is looked for
 * twice or in other letters.
 */
export function scanJson(bytes: Uint8Array, names: ScanNames): ScannedJson {
  const members = names.members.size > 1 ? new Map<string, Span>() : nowhere
  const nested = names.nested.size > 0 ? new Set<string>() : none
  let model: string | null = null
  let hasModel = false
  let depth = 0
  let before = 0
  let end = 0
  /** The member whose value is being read, and the byte after the last one that is no space. */
  let member: Span | null = null
  let last = 0
  let isEmpty = true
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (!outside[byte]) throw malformed()
    if (byte === 0x20 || (byte <= 0x0d && byte >= 0x09)) continue
    if (depth === 0 && (byte !== OPEN || before !== 0)) throw malformed()
    if (byte === QUOTE) {
      const closing = endOfString(bytes, at)
      if (before === COMMA || before === OPEN) {
        if (depth === 1) {
          isEmpty = false
          const found = find(names.members, bytes, at, closing)
          if (found !== null) {
            const { name } = found
            if (!found.isExact) throw misspelt(parsed(bytes.subarray(at, closing + 1)), name)
            if (name === 'model' ? hasModel : members.has(name))
              throw invalid(`The body names '${name}' more than once.`, name)
            if (name === 'model') {
              hasModel = true
              model = modelAfter(bytes, closing + 1)
            }
            if (members !== nowhere) {
              member = { start: startOfValue(bytes, closing + 1), end: 0 }
              ;(members as Map<string, Span>).set(name, member)
            }
          }
        }
        if (nested !== none) addNested(nested as Set<string>, names.nested, bytes, at, closing)
      }
      at = closing
    } else if (byte === OPEN || byte === 0x5b) {
      if (++depth > DEEPEST) throw invalid(`The body is nested more than ${DEEPEST} levels deep.`)
    } else if (byte === CLOSE || byte === 0x5d) {
      if (--depth === 0) end = at
    }
    if (member !== null && (depth === 0 || (depth === 1 && byte === COMMA))) {
      member.end = last
      member = null
    }
    last = at + 1
    before = byte
  }
  if (depth !== 0 || before === 0) throw malformed()
  return { model, members, nested, end, isEmpty, lookedFor: names.members }
}

const onlyModel = scanNames([], [])

export const modelIn = (bytes: Uint8Array): string | null => scanJson(bytes, onlyModel).model

function find(names: MemberNames, bytes: Uint8Array, start: number, end: number): FoundName | null {
  try {
    return names.findJson(bytes, start, end)
  } catch {
    throw malformed()
  }
}

/**
 * A string behind a comma can also be an item of a list: a key has a colon behind it. Here another
 * case of the letters is no error: below the top level, names can be the client's own.
 */
function addNested(nested: Set<string>, names: MemberNames, bytes: Uint8Array, start: number, end: number) {
  const found = find(names, bytes, start, end)
  if (found === null) return
  let at = end + 1
  while (isSpace(bytes[at]!)) at++
  if (bytes[at] === COLON) nested.add(found.name)
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let end = bytes.indexOf(QUOTE, start + 1); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let escapes = 0
    while (bytes[end - 1 - escapes] === BACKSLASH) escapes++
    if (escapes % 2 === 0) return end
  }
  throw malformed()
}

function startOfValue(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at]!)) at++
  if (bytes[at] !== COLON) throw malformed()
  at++
  while (isSpace(bytes[at]!)) at++
  return at
}

function modelAfter(bytes: Uint8Array, from: number): string | null {
  const at = startOfValue(bytes, from)
  if (bytes[at] !== QUOTE) {
    if (isAt(bytes, at, NULL)) return null
    throw invalid("Invalid type for 'model': expected a string.", 'model', 'invalid_type')
  }
  const end = endOfString(bytes, at)
  if (end - at - 1 > LONGEST_MODEL)
    throw invalid(
      `Invalid 'model': string too long. Expected at most ${LONGEST_MODEL} bytes, but got ${end - at - 1} instead.`,
      'model',
      'string_above_max_length',
    )
  return parsed(bytes.subarray(at, end + 1))
}

const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

function isAt(bytes: Uint8Array, start: number, word: readonly number[]): boolean {
  for (let n = 0; n < word.length; n++) if (bytes[start + n] !== word[n]) return false
  return true
}

function parsed(token: Uint8Array): string {
  try {
    return JSON.parse(decoder.decode(token)) as string
  } catch {
    throw malformed()
  }
}
