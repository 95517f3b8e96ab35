/**
 * Calls that compare texts, such as `/rerank`: the model reads every text of one side together
 * with that of the other, so a query is read as often as there are documents.
 */
import type { ModelBody } from '../model-body.ts'

/** The names that servers have for the two sides. */
export const sides = [
  ['query', 'queries', 'text_1', 'data_1'],
  ['documents', 'texts', 'items', 'text_2', 'data_2'],
] as const

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x5c, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d]

interface Pairs {
  count: number
  /** Of all pairs: the bytes of the body, and those of a single text for each further pair. */
  bytes: number
  /** The same if a server puts all else of the body into each pair, such as an instruction. */
  most: number
}

export function pairsIn(body: ModelBody): Pairs {
  const [one, other] = [sideIn(body, sides[0]), sideIn(body, sides[1])]
  const count = Math.max(one.count, other.count)
  const bytes = body.size + one.single * (other.count - 1) + other.single * (one.count - 1)
  return { count, bytes, most: bytes + (body.size - one.bytes - other.bytes) * (count - 1) }
}

interface Side {
  count: number
  bytes: number
  /** The bytes of what can be one text, which is read in each pair. */
  single: number
}

/** Of several names that stand for one side, nobody knows which one the upstream takes. */
function sideIn(body: ModelBody, names: readonly string[]): Side {
  const side = { count: 0, bytes: 0, single: 0 }
  for (const name of names) {
    const json = body.bytes(name)
    if (json === undefined) continue
    const count = textsIn(json)
    side.count = Math.max(side.count, count)
    side.bytes += json.length
    if (count === 1 || json[0] === OPEN) side.single += json.length
  }
  if (side.count > 0) return side
  // Under a name of its own, it is as long as any list of the body at most.
  const content = body.kind === 'json' ? body.content() : null
  return { ...side, count: content instanceof Uint8Array ? textsIn(content) : body.size }
}

/**
 * How many texts JSON has at most: those of a list, or of the lists in an object, such as that of
 * `content`; else 1. Nothing is built of it, because it can have millions.
 */
function textsIn(json: Uint8Array): number {
  if (json[0] !== OPEN && json[0] !== OPEN_LIST) return 1
  const level = json[0] === OPEN ? 2 : 1
  let count = 1
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) {
      for (at++; at < json.length && json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) at++
    } else if (byte === COMMA) {
      if (depth === level) count++
    } else if (byte === OPEN || byte === OPEN_LIST) depth++
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--
  }
  return count
}
