/**
 * The tokenizer, in a Worker that is started when something is to be counted. It takes some 140 MB,
 * so it ends when there was nothing for a while.
 */
import type { TokenAnswer, TokenCounter, TokenQuestion } from '../gateway/meter/tokens.ts'
import { AskedWorker, WorkerBroken } from './asked-worker.ts'
import { startWorker } from './start-worker.ts'

/** A question takes a few milliseconds; what comes beyond so many is estimated. */
const MOST_WAITING = 256
const REST_AFTER_MILLISECONDS = 600_000

export class WorkerTokenCounter implements TokenCounter {
  readonly #worker: AskedWorker<TokenQuestion, TokenAnswer>
  readonly #onError: (cause: string) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(onError: (cause: string) => void) {
    this.#onError = onError
    this.#worker = new AskedWorker(() => startWorker('token-worker'), onError)
  }

  readonly count = async (question: TokenQuestion): Promise<TokenAnswer | null> => {
    if (this.#worker.waiting >= MOST_WAITING) return null
    clearTimeout(this.#timer)
    try {
      return await this.#worker.ask(question)
    } catch (error) {
      if (!(error instanceof WorkerBroken)) this.#onError((error as Error).message)
      return null
    } finally {
      this.#restLater()
    }
  }

  #restLater() {
    if (this.#worker.waiting > 0) return
    this.#timer = setTimeout(() => this.#worker.rest(), REST_AFTER_MILLISECONDS)
    this.#timer.unref()
  }

  stop() {
    clearTimeout(this.#timer)
    this.#worker.stop()
  }
}
