/**
 * Finds the model in a JSON body without building the objects in it: bodies are up to tens of megabytes, and the gateway needs one word.
 * What two parsers could read in two ways is refused, so that the upstream cannot see another model than we did. Whether the rest is
 * correct JSON is for the upstream to say.
 */
import { invalid } from '../contract/errors.ts'

const DEEPEST = 128
/** Most bytes of the model as it stands in the body: it is compared with patterns and names, and no model has such a name. */
const LONGEST_MODEL = 1024
const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c]

/** What may stand outside strings: white space, brackets, colons, commas, numbers, `true`, `false`, `null`. */
const outside = new Uint8Array(256)
for (const character of ' \t\r\n{}[]:,"-+.0123456789eEtrufalsn') outside[character.charCodeAt(0)] = 1

const MODEL = [...Buffer.from('model')]
const NULL = [...Buffer.from('null')]
const decoder = new TextDecoder()

const malformed = () => invalid('We could not parse the JSON body of your request.', null, null)

/** The model that a body names at its top level, or null. Throws 400 for what is no JSON object, nested too deeply, or ambiguous. */
export function modelIn(bytes: Uint8Array): string | null {
  let depth = 0
  let model: string | null = null
  let found = false
  let before = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (!outside[byte]) throw malformed()
    if (byte === 0x20 || (byte <= 0x0d && byte >= 0x09)) continue
    if (depth === 0 && (byte !== 0x7b || before !== 0)) throw malformed()
    if (byte === QUOTE) {
      const end = endOfString(bytes, at)
      if (depth === 1 && (before === COMMA || before === 0x7b) && isModel(bytes, at, end)) {
        if (found) throw invalid("The body names 'model' more than once.", 'model')
        found = true
        model = valueAfter(bytes, end + 1)
      }
      at = end
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > DEEPEST) throw invalid(`The body is nested more than ${DEEPEST} levels deep.`)
    } else if (byte === 0x7d || byte === 0x5d) depth--
    before = byte
  }
  if (depth !== 0 || before === 0) throw malformed()
  return model
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

/** Whether a key is `model`, however its letters are escaped. */
function isModel(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start - 1
  if (length === 5) return isAt(bytes, start + 1, MODEL)
  const escaped = length > 5 && length <= 30 && bytes.subarray(start, end).includes(BACKSLASH)
  return escaped && parsed(bytes.subarray(start, end + 1)) === 'model'
}

function valueAfter(bytes: Uint8Array, from: number): string | null {
  let at = from
  while (isSpace(bytes[at]!)) at++
  if (bytes[at] !== COLON) throw malformed()
  at++
  while (isSpace(bytes[at]!)) at++
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
