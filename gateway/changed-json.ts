/** Changes members of a JSON body in its bytes, without parsing it. */
import type { ScannedJson } from './scan-json.ts'

/**
 * The body with its members replaced where they are there, and added before the last brace where
 * they are not.
 */
export function changed(bytes: Buffer, scanned: ScannedJson, changes: ReadonlyMap<string, string>) {
  const edits: Edit[] = []
  let { length } = bytes
  let needsComma = !scanned.isEmpty
  for (const [name, json] of changes) {
    const span = scanned.members.get(name)
    // The names that policies look for need no escapes.
    const text = span ? json : `${needsComma ? ',' : ''}"${name}":${json}`
    const { start, end } = span ?? { start: scanned.end, end: scanned.end }
    needsComma = true
    length += Buffer.byteLength(text) - (end - start)
    edits.push({ start, end, text })
  }
  if (edits.length > 1) edits.sort((one, other) => one.start - other.start)
  const made = Buffer.allocUnsafe(length)
  let written = 0
  let at = 0
  for (const { start, end, text } of edits) {
    written += bytes.copy(made, written, at, start)
    written += made.write(text, written)
    at = end
  }
  bytes.copy(made, written, at)
  return made
}

/** What stands in place of the bytes from `start` to `end`. */
interface Edit {
  start: number
  end: number
  text: string
}
