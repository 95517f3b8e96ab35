/**
 * Calls that compare texts, such as `/rerank`: the model reads every text of one side together
 * with that of the other, so a query is read as often as there are documents.
 */
import type { ModelBody } from '../model-body.ts'
import { OPEN } from './json-bytes.ts'
import { textsIn } from './texts-in-json.ts'

/** The names that servers have for the two sides. */
export const sides = [
  ['query', 'queries', 'text_1', 'data_1'],
  ['documents', 'texts', 'items', 'text_2', 'data_2'],
] as const

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
