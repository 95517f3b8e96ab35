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

interface Pairs {
  count: number
  /** Of all pairs: the bytes of the body, and those of a single text for each further pair. */
  bytes: number
}

export function pairsIn(body: ModelBody): Pairs {
  const members = sides.map((names) => names.map((name) => body.member(name) ?? '').join(''))
  const lengths = members.map(lengthOf)
  const count = Math.max(...lengths)
  const single = members.filter((_, side) => lengths[side]! <= 1)
  const repeated = single.reduce((sum, json) => sum + Buffer.byteLength(json), 0)
  return { count, bytes: body.size + (count - 1) * repeated }
}

/** How many texts JSON has: those of a list, or of an object whose `content` is one; else 1. */
function lengthOf(json: string): number {
  try {
    const value = JSON.parse(json || '""') as { content?: unknown } | null
    const list = Array.isArray(value) ? value : value?.content
    return Array.isArray(list) ? Math.max(1, list.length) : 1
  } catch {
    // It cannot be read here, and has no more texts than bytes.
    return json.length
  }
}
