/** One call on the wire: sent, timed, and sent again when that may help. */
import { APIConnectionError, APIConnectionTimeoutError, APIUserAbortError, errorFrom } from './errors.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Outgoing {
  fetch: Fetch
  url: string
  method: string
  headers: Headers
  body: string | undefined
  /** Milliseconds for each attempt, the body of the answer included. */
  timeout: number
  /** How often it may be sent again. */
  maxRetries: number
  signal: AbortSignal | null | undefined
}

interface Attempt {
  response: Response
  began: number
  controller: AbortController
}

export class Exchange {
  #outgoing: Outgoing
  #retries = 0
  #attempt: Promise<Attempt>

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing
    this.#attempt = this.#send()
  }

  /** The answer of the attempt that succeeded, its body unread until `read` reads it. */
  async response(): Promise<Response> {
    return (await this.#attempt).response
  }

  /** The body of the answer, parsed; undefined if there is none. */
  async read(): Promise<unknown> {
    const { response, began, controller } = await this.#attempt
    const { timeout, signal } = this.#outgoing
    let text: string
    try {
      const left = Math.max(0, began + timeout - Date.now())
      text = await limited(() => response.text(), left, signal, controller)
    } catch (error) {
      this.#attempt = this.#again(error)
      return this.read()
    }
    try {
      return text === '' ? undefined : JSON.parse(text)
    } catch (cause) {
      throw new APIConnectionError({ message: `${this.#outgoing.url} answered something that is not JSON.`, cause })
    }
  }

  async #send(): Promise<Attempt> {
    const { fetch, url, method, headers, body, timeout, signal } = this.#outgoing
    const controller = new AbortController()
    const began = Date.now()
    let response: Response
    try {
      const init: RequestInit = { method, headers, signal: controller.signal, ...(body !== undefined && { body }) }
      response = await limited(() => fetch(url, init), timeout, signal, controller)
    } catch (error) {
      return this.#again(error)
    }
    if (response.ok) return { response, began, controller }
    if (this.#retriesLeft && mayHelp(response)) {
      // What is not read must be given up, or the connection stays taken.
      void response.body?.cancel().catch(() => {})
      return this.#after(response.headers)
    }
    const text = await limited(() => response.text(), timeout, signal, controller).catch((error) => {
      if (error instanceof APIUserAbortError) throw error
      return ''
    })
    throw errorFrom(response, text)
  }

  get #retriesLeft() {
    return this.#retries < this.#outgoing.maxRetries
  }

  /** After no answer, or one that broke off. */
  async #again(error: unknown): Promise<Attempt> {
    if (error instanceof APIUserAbortError) throw error
    if (this.#retriesLeft) return this.#after()
    throw error instanceof APIConnectionTimeoutError ? error : new APIConnectionError({ cause: error })
  }

  async #after(headers?: Headers): Promise<Attempt> {
    await pause(askedFor(headers) ?? backoff(this.#retries), this.#outgoing.signal)
    this.#retries++
    return this.#send()
  }
}

function mayHelp({ status, headers }: Response) {
  const told = headers.get('x-should-retry')
  if (told === 'true' || told === 'false') return told === 'true'
  return status === 408 || status === 409 || status === 429 || status >= 500
}

const LONGEST_WAIT = 60_000

/** Milliseconds that the server asks to wait; a wish for more than a minute is not granted. */
function askedFor(headers?: Headers): number | undefined {
  const exact = Number.parseFloat(headers?.get('retry-after-ms') ?? '')
  const after = headers?.get('retry-after') ?? ''
  const seconds = Number.parseFloat(after)
  const wait = !Number.isNaN(exact) ? exact : !Number.isNaN(seconds) ? seconds * 1000 : Date.parse(after) - Date.now()
  return wait >= 0 && wait <= LONGEST_WAIT ? wait : undefined
}

/** Half a second, doubled with each retry up to eight, less a random quarter: clients that failed together do not return together. */
const backoff = (retries: number) => Math.min(500 * 2 ** retries, 8_000) * (1 - Math.random() / 4)

function pause(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer)
      reject(new APIUserAbortError())
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/**
 * What the work comes to, unless the time is up or the caller's signal comes first: whatever `fetch` it is, and whether or not that heeds
 * signals. The controller tells it to stop.
 */
async function limited<Result>(
  work: () => Promise<Result>,
  milliseconds: number,
  signal: AbortSignal | null | undefined,
  controller: AbortController,
): Promise<Result> {
  let over = () => {}
  const stopped = new Promise<never>((_, reject) => {
    const stop = (error: Error) => {
      reject(error)
      controller.abort(error)
    }
    const aborted = () => stop(new APIUserAbortError())
    if (signal?.aborted) return aborted()
    const timer = setTimeout(() => stop(new APIConnectionTimeoutError()), milliseconds)
    signal?.addEventListener('abort', aborted, { once: true })
    over = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    }
  })
  try {
    return await Promise.race([stopped, controller.signal.aborted ? stopped : work()])
  } finally {
    over()
  }
}
