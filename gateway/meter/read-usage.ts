/**
 * Reads the usage of a whole answer from its end, without parsing the text before it, which is
 * nearly all of it.
 *
 * It looks for the last place with the name `"usage"`. In JSON the quotes inside a text are
 * escaped, so a text that has these bytes has a backslash before one of the quotes. From there it
 * walks over the strings and brackets that follow: if exactly one brace closes before the end, the
 * name stands at the top level of the answer. Where anything is not as expected, it says nothing,
 * and the caller parses the whole.
 */
import { reportedIn, type Reported } from './count.ts'
import type { Endpoint } from './endpoints.ts'
import { afterColon, BACKSLASH, CLOSE, endOfObject, endOfString, isSpace, OPEN, QUOTE, USAGE } from './json-bytes.ts'

const TIER = Buffer.from('"service_tier"')
const RESPONSE = Buffer.from('"response"')
/** Items of an answer that are counted too. */
const SEARCH = Buffer.from('_search_call"')
/** The beginning of an ASCII letter that is written by its number: names could be spelled so. */
const ESCAPED = Buffer.from('\\u00')
const [OPEN_LIST, CLOSE_LIST] = [0x5b, 0x5d]

/** Null if the end of the answer leaves any doubt. */
export function usageAtEnd(answer: Buffer, endpoint: Endpoint): Reported | null {
  // Images and audio are counted by other members too.
  if (endpoint.unit !== null) return null
  const usage = answer.lastIndexOf(USAGE)
  if (usage < 0 || answer[usage - 1] === BACKSLASH) return null
  if (answer.includes(ESCAPED)) return null
  if (endpoint.isResponses && (answer.includes(SEARCH) || hasMember(answer, RESPONSE))) return null
  const tier = answer.lastIndexOf(TIER)
  if (tier >= 0 && answer[tier - 1] === BACKSLASH) return null
  const found = membersFrom(answer, tier >= 0 ? Math.min(usage, tier) : usage)
  if (found === null || found.usage === null) return null
  if (tier >= 0 && found.service_tier === undefined) return null
  return reportedIn(found, endpoint)
}

interface Found {
  usage: object | null
  service_tier: unknown
}

/**
 * The members from this place to the end of the object that they are members of; null where that is
 * not the outermost one.
 */
function membersFrom(answer: Buffer, from: number): Found | null {
  const found: Found = { usage: null, service_tier: undefined }
  let depth = 0
  for (let at = from; at < answer.length; at++) {
    const byte = answer[at]
    if (byte === QUOTE) {
      const end = endOfString(answer, at)
      if (end < 0) return null
      const next = depth === 0 ? read(answer, at, end, found) : end
      if (next < 0) return null
      at = next
    } else if (byte === OPEN || byte === OPEN_LIST) depth++
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--
    if (depth < 0) return byte === CLOSE && isBlank(answer, at + 1) ? found : null
  }
  return null
}

/**
 * Reads the member whose name, or the value, that stands here. Answers where to go on: the last
 * byte that was read, negative where it cannot be read.
 */
function read(answer: Buffer, start: number, end: number, found: Found): number {
  if (isAt(answer, start, end, USAGE)) {
    const open = afterColon(answer, end + 1)
    // A text that is "usage" has no colon behind it; a `usage` that is no object is for the parser.
    if (answer[open] !== OPEN) return -1
    const close = endOfObject(answer, open)
    found.usage = close > 0 ? (parsed(answer, open, close) as object | null) : null
    return found.usage === null ? -1 : close - 1
  }
  if (!isAt(answer, start, end, TIER)) return end
  const value = afterColon(answer, end + 1)
  if (answer[value] !== QUOTE) {
    const isText = value === answer.length
    if (isText || answer[value] === OPEN || answer[value] === OPEN_LIST) return -1
    found.service_tier = null
    return end
  }
  const last = endOfString(answer, value)
  const text = last < 0 ? null : parsed(answer, value, last + 1)
  found.service_tier = text
  return text === null ? -1 : last
}

const isAt = (answer: Buffer, start: number, end: number, name: Buffer) =>
  end - start + 1 === name.length && answer.compare(name, 0, name.length, start, end + 1) === 0

/** Whether a name stands there as one: with a colon behind it. */
function hasMember(answer: Buffer, name: Buffer): boolean {
  for (let at = answer.indexOf(name); at >= 0; at = answer.indexOf(name, at + 1))
    if (afterColon(answer, at + name.length) < answer.length) return true
  return false
}

function isBlank(answer: Buffer, from: number): boolean {
  for (let at = from; at < answer.length; at++) if (!isSpace(answer[at])) return false
  return true
}

function parsed(answer: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(answer.toString('utf8', start, end))
  } catch {
    return null
  }
}
