/** The Worker in which the tokenizer runs. */
import { countTokens } from '../gateway/meter/count-tokens.ts'
import type { TokenQuestion } from '../gateway/meter/tokens.ts'

declare const self: Worker

self.addEventListener('message', ({ data }: MessageEvent<{ id: number; question: TokenQuestion }>) => {
  const { id, question } = data
  countTokens(question).then(
    (answer) => self.postMessage({ id, answer }, []),
    (error: unknown) => self.postMessage({ id, error: String(error) }, []),
  )
})
