/** Time limits of calls, and the wait before a retry. */
import { APIConnectionTimeoutError, APIUserAbortError } from './api-errors.ts'

const LONGEST_WAIT = 60_000
/** A timer for longer than this fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The milliseconds that the server asks to wait; undefined if it asks for more than a minute. */
export function retryAfter(headers?: Headers): number | undefined {
  const exact = Number.parseFloat(headers?.get('retry-after-ms') ?? '')
  const after = headers?.get('retry-after') ?? ''
  const seconds = Number.parseFloat(after)
  const wait = !Number.isNaN(exact) ? exact : !Number.isNaN(seconds) ? seconds * 1000 : Date.parse(after) - Date.now()
  return wait >= 0 && wait <= LONGEST_WAIT ? wait : undefined
}

/**
 * Half a second, doubled with each retry up to eight seconds, less a random quarter, so that
 * clients that failed together do not retry together.
 */
export const backoff = (retries: number) => Math.min(500 * 2 ** retries, 8_000) * (1 - Math.random() / 4)

/** Waits; rejects when the caller aborts. */
export function pause(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
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
 * Answers the result of the work. Rejects when the time is up or the caller aborts, also where a
 * given `fetch` ignores signals; the controller tells it to stop.
 */
export async function withTimeout<Result>(
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
    const timer = setTimeout(() => stop(new APIConnectionTimeoutError()), Math.min(milliseconds, LONGEST_TIMER))
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
