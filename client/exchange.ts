/** Sends one call, with a time limit, and sends it again when that can help. */
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  KeyhallError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from './api-errors.ts'
import { retryAfter, backoff, withTimeout, pause } from './timing.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Outgoing {
  fetch: Fetch
  url: string
  method: string
  headers: Headers
  body: string | undefined
  /** Milliseconds for each attempt, the body of the answer included. */
  timeout: number
  /** How many times it may be sent again. */
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
    // Reading it twice would look like a broken connection, and the call would be sent again.
    if (response.bodyUsed) throw new KeyhallError('The body of the response was read already, through asResponse().')
    let text: string
    try {
      const left = Math.max(0, began + timeout - Date.now())
      text = await withTimeout(() => response.text(), left, signal, controller)
    } catch (error) {
      this.#attempt = this.#retryAfterFailure(error)
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
      response = await withTimeout(() => fetch(url, init), timeout, signal, controller)
    } catch (error) {
      return this.#retryAfterFailure(error)
    }
    if (response.ok) return { response, began, controller }
    if (this.#retriesLeft && isRetryable(response)) {
      // A body that is not read must be cancelled, or its connection stays in use.
      void response.body?.cancel().catch(() => {})
      return this.#retry(response.headers)
    }
    const text = await withTimeout(() => response.text(), timeout, signal, controller).catch((error) => {
      if (error instanceof APIUserAbortError) throw error
      return ''
    })
    throw errorFrom(response, text)
  }

  get #retriesLeft() {
    return this.#retries < this.#outgoing.maxRetries
  }

  /** Sends it again after no answer came, or one that broke off. */
  async #retryAfterFailure(error: unknown): Promise<Attempt> {
    if (error instanceof APIUserAbortError) throw error
    if (this.#retriesLeft) return this.#retry()
    throw error instanceof APIConnectionTimeoutError ? error : new APIConnectionError({ cause: error })
  }

  async #retry(headers?: Headers): Promise<Attempt> {
    await pause(retryAfter(headers) ?? backoff(this.#retries), this.#outgoing.signal)
    this.#retries++
    return this.#send()
  }
}

function isRetryable({ status, headers }: Response) {
  const told = headers.get('x-should-retry')
  if (told === 'true' || told === 'false') return told === 'true'
  return status === 408 || status === 409 || status === 429 || status >= 500
}

const classes: Record<number, new (...args: ConstructorParameters<typeof APIError<any, Headers>>) => APIError> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  422: UnprocessableEntityError,
  429: RateLimitError,
}

/** Makes an error of an answer, whose body may be anything. */
function errorFrom({ status, headers }: Response, text: string): APIError {
  const Class = classes[status] ?? (status >= 500 ? InternalServerError : APIError)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {}
  const error = (body as { error?: unknown } | null | undefined)?.error
  return new Class(status, typeof error === 'object' && error !== null ? error : undefined, text, headers)
}
