/** The bytes of JSON as metering reads them where it does not parse: strings, names and objects. */

export const [QUOTE, BACKSLASH] = [0x22, 0x5c]
export const [OPEN, CLOSE] = [0x7b, 0x7d]
const COLON = 0x3a

/** The name of the member in which upstreams say what was used. */
export const USAGE = Buffer.from('"usage"')

/**
 * Where a text begins in bytes that are no Buffer; negative where it is not there. Making a Buffer
 * of the bytes of an event costs several times as much as the search.
 */
const indexIn = (bytes: Uint8Array, text: Buffer, from: number): number =>
  Buffer.prototype.indexOf.call(bytes, text, from)

export const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Where the value of a member begins, behind its name; past the end if there is none. */
export function afterColon(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  if (bytes[at] !== COLON) return bytes.length
  at++
  while (isSpace(bytes[at])) at++
  return at
}

/** Where the string that begins at `start` has its closing quote; negative if it has none. */
export function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at
    // What follows it is a part of the string, whatever it is.
    if (bytes[at] === BACKSLASH) at++
  }
  return -1
}

/** Behind the brace that closes the object that begins at `open`; 0 if it does not. */
export function endOfObject(bytes: Buffer, open: number): number {
  let depth = 0
  for (let at = open; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = endOfString(bytes, at)
      if (at < 0) return 0
    } else if (byte === OPEN) depth++
    else if (byte === CLOSE && --depth === 0) return at + 1
  }
  return 0
}

/** Whether there is `"usage":` with an object behind it: `null` stands on every other chunk. */
export function hasUsage(bytes: Uint8Array): boolean {
  return usageIn(bytes, 0) >= 0
}

/** Where the next `"usage":` with an object behind it begins; negative where there is none. */
export function usageIn(bytes: Uint8Array, from: number): number {
  for (let at = indexIn(bytes, USAGE, from); at >= 0; at = indexIn(bytes, USAGE, at + 1))
    if (bytes[afterColon(bytes, at + USAGE.length)] === OPEN) return at
  return -1
}
