/**
 * Counts the texts of a list in the bytes of JSON. Nothing is built of it, because it can have
 * millions.
 */
import { CLOSE, endOfString, OPEN, QUOTE } from './json-bytes.ts'

export const OPEN_LIST = 0x5b
const [COMMA, CLOSE_LIST] = [0x2c, 0x5d]

/**
 * The most that there can be: those of a list, or of the lists in an object, such as that of
 * `content`; else 1. A list of numbers is one text, of tokens.
 */
export function textsIn(json: Uint8Array): number {
  if (json[0] !== OPEN && (json[0] !== OPEN_LIST || isOfNumbers(json))) return 1
  const level = json[0] === OPEN ? 2 : 1
  let count = 1
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) {
      at = endOfString(json, at)
      if (at < 0) return count
    } else if (byte === COMMA) {
      if (depth === level) count++
    } else if (byte === OPEN || byte === OPEN_LIST) depth++
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--
  }
  return count
}

/**
 * By its first item: some servers take texts among the tokens of one prompt, and none the other
 * way.
 */
function isOfNumbers(json: Uint8Array): boolean {
  let at = 1
  while (json[at]! <= 0x20) at++
  return json[at] === 0x2d || (json[at]! >= 0x30 && json[at]! <= 0x39)
}
