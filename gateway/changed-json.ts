/** Changes members of a JSON body in its bytes, without parsing it. */
import type { ScannedJson, Span } from './scan-json.ts'

/**
 * Memory for bodies up to this length is used again: to make it for each request costs more than to
 * write to it.
 */
const SHORT = 16 * 1024
const MOST_SPARE = 64
const spare: Buffer<ArrayBuffer>[] = []

/** At least so many bytes, which may be left from another body. */
export const takeMemory = (length: number): Buffer<ArrayBuffer> =>
  length <= SHORT ? (spare.pop() ?? Buffer.alloc(SHORT)) : Buffer.allocUnsafe(length)

/** Called once nobody reads what was written to it; `fetch` copies its body before it returns. */
export function giveMemory(memory: Buffer<ArrayBuffer>) {
  if (memory.length === SHORT && spare.length < MOST_SPARE) spare.push(memory)
}

/** The most bytes that `writeChanged` needs: UTF-8 has up to three for each unit of a string. */
export function mostBytes(bytes: Uint8Array, changes: ReadonlyMap<string, string>): number {
  let most = bytes.length
  for (const [name, json] of changes) most += 3 * json.length + name.length + ',"":'.length
  return most
}

/**
 * Writes the body with its members replaced where they are there, and added before the last brace
 * where they are not. Answers what was written, as a part of `memory`.
 */
export function writeChanged(
  memory: Buffer<ArrayBuffer>,
  bytes: Buffer,
  { members, end, isEmpty }: ScannedJson,
  changes: ReadonlyMap<string, string>,
): Buffer<ArrayBuffer> {
  let written = 0
  let at = 0
  for (const { span, json } of replaced(members, changes)) {
    written += bytes.copy(memory, written, at, span.start)
    written += memory.write(json, written)
    at = span.end
  }
  written += bytes.copy(memory, written, at, end)
  let separator = isEmpty ? '' : ','
  for (const [name, json] of changes) {
    if (members.has(name)) continue
    // The names that policies look for need no escapes.
    written += memory.write(`${separator}"${name}":${json}`, written)
    separator = ','
  }
  written += bytes.copy(memory, written, end)
  return memory.subarray(0, written)
}

interface Replaced {
  span: Span
  json: string
}

/** In the order in which they stand in the body. */
function replaced(members: ReadonlyMap<string, Span>, changes: ReadonlyMap<string, string>): readonly Replaced[] {
  let found: Replaced[] | null = null
  for (const [name, json] of changes) {
    const span = members.get(name)
    if (span) (found ??= []).push({ span, json })
  }
  return found?.toSorted((one, other) => one.span.start - other.span.start) ?? nothing
}

const nothing: readonly Replaced[] = []
