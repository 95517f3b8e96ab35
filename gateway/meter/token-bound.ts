/**
 * A closer bound of the prompt than its bytes: as many tokens as the tokenizer of its model finds
 * at most.
 */
import type { ModelBody } from '../model-body.ts'
import type { Sizes } from './bound.ts'
import { encodingOf, MOST_COUNTED, type TokenCounter } from './tokens.ts'

/** Null where it cannot be told, or is no smaller. */
export async function tokenBound(
  tokens: TokenCounter,
  body: ModelBody,
  model: string,
  { input, isOpaque }: Sizes,
): Promise<number | null> {
  const encoding = encodingOf(model)
  const content = body.content()
  if (encoding === null || isOpaque || input === null || !(content instanceof Uint8Array)) return null
  if (content.length > MOST_COUNTED) return null
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString()
  const counted = await tokens.count({ encoding, prompt: null, answer: null, body: text })
  if (counted === null || counted.body === null) return null
  // What a template adds stays.
  const bound = counted.body + input - body.size
  return bound < input ? bound : null
}
