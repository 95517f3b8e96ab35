/** A Worker that answers questions, started with the first. */

interface Reply<Answer> {
  id: number
  answer?: Answer
  error?: string
}

interface Waiting<Answer> {
  resolve: (answer: Answer) => void
  reject: (error: Error) => void
}

/** The Worker cannot run here, or broke: what it was asked is to be done in another way. */
export class WorkerBroken extends Error {}

export class AskedWorker<Question, Answer> {
  readonly #start: () => Worker
  readonly #onBroken: (cause: string) => void
  readonly #waiting = new Map<number, Waiting<Answer>>()
  #worker: Worker | undefined
  #isBroken = false
  #asked = 0

  /** `onBroken` is told once. */
  constructor(start: () => Worker, onBroken: (cause: string) => void) {
    this.#start = start
    this.#onBroken = onBroken
  }

  /** Questions that are not answered. */
  get waiting() {
    return this.#waiting.size
  }

  /** Throws WorkerBroken. */
  ask(question: Question): Promise<Answer> {
    if (this.#isBroken) return Promise.reject(new WorkerBroken())
    return new Promise((resolve, reject) => {
      const worker = (this.#worker ??= this.#open())
      this.#waiting.set(++this.#asked, { resolve, reject })
      worker.postMessage({ id: this.#asked, question }, [])
    })
  }

  #open(): Worker {
    const worker = this.#start()
    worker.addEventListener('message', ({ data }: MessageEvent<Reply<Answer>>) => this.#answer(data))
    worker.addEventListener('error', ({ message }) => this.#broke(message))
    return worker
  }

  #answer({ id, answer, error }: Reply<Answer>) {
    const one = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) one?.resolve(answer as Answer)
    else one?.reject(new Error(error))
  }

  #broke(cause: string) {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#onBroken(cause)
    this.#rejectAll(new WorkerBroken())
  }

  #rejectAll(error: Error) {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  /**
   * Ends the Worker when nothing is asked, and gives its memory back; the next question starts
   * another.
   */
  rest() {
    this.#worker?.terminate()
    this.#worker = undefined
  }

  /** For good. What was asked is not answered. */
  stop() {
    this.#isBroken = true
    this.rest()
    this.#rejectAll(new Error('the server is stopping'))
  }
}
