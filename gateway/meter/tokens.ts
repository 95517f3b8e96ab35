/**
 * Counting tokens by a tokenizer, for what an upstream does not report: what is asked, and of which
 * models it is exact.
 */

export type Encoding = 'o200k_base' | 'cl100k_base'

/** The most characters that are counted. A longer text is extrapolated from its beginning. */
export const MOST_COUNTED = 64 * 1024

/**
 * For a model whose tokenizer is not known, half as many tokens again as `o200k_base` has: an upper
 * estimate for the vocabularies of 32,000 words and more that are in use, and no bound.
 */
export const UNKNOWN_FACTOR = 1.5

export interface TokenQuestion {
  encoding: Encoding
  /**
   * JSON of the members of a body that are its prompt: a conversation, or text and nothing around
   * it.
   */
  prompt: {
    form: 'chat' | 'plain'
    /** Of a longer one the beginning. */
    json: string
    length: number
    instructions: string | undefined
    tools: string | undefined
  } | null
  /** Text of an answer as it stood in JSON strings, without their quotes. */
  answer: string | null
  /** A whole body, for the most tokens that it can have. */
  body: string | null
}

/** Null for what was not asked. */
export interface TokenAnswer {
  prompt: number | null
  answer: number | null
  body: number | null
}

export interface TokenCounter {
  /** Null where the tokenizer cannot run, or has too much to do. Never throws. */
  count: (question: TokenQuestion) => Promise<TokenAnswer | null>
}

const o200k = /^(gpt-4o|chatgpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-oss|codex-mini|o1|o3|o4)(?=[-.:@]|$)/
const cl100k = /^(gpt-4|gpt-3\.5|text-embedding-3|text-embedding-ada-002|babbage-002|davinci-002)(?=[-.:@]|$)/

/**
 * The encoding of the models that the tokenizer knows, also behind `ft:` and the name of a
 * provider; null for others.
 */
export function encodingOf(model: string): Encoding | null {
  const name = model.slice(model.lastIndexOf('/') + 1).replace(/^ft:/, '')
  if (o200k.test(name)) return 'o200k_base'
  return cl100k.test(name) ? 'cl100k_base' : null
}
