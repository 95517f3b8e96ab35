/** Asks the upstreams for a model in turn until one begins to answer. */
import { badUpstream, upstreamTimeout, upstreamUnreachable, type ApiError } from '../contract/errors.ts'
import type { ForwardedLine } from '../http/request-line.ts'
import type { ModelBody } from './body.ts'
import { upstreamHeaders, type Given } from './headers.ts'
import type { Send } from './models.ts'
import type { Target } from './target.ts'
import { rest, type Upstream } from './upstreams.ts'
import type { Waiting } from './watch.ts'

/** The client closed the connection: nobody is left to answer. */
export class ClientLeft extends Error {}

export interface Begun {
  upstream: Upstream
  response: Response
  /** Ends the call to the upstream. */
  abort: () => void
}

/**
 * Sends the request to the first upstream that begins to answer. Throws ApiError 502 and 504
 * whose causes are for the log, and ClientLeft.
 */
export async function forward(
  send: Send,
  request: Request,
  given: Given,
  target: Target,
  body: ModelBody,
  upstreams: readonly Upstream[],
  waiting: Waiting,
  line: ForwardedLine,
): Promise<Begun> {
  const began = performance.now()
  const failures: string[] = []
  let late = false
  for (const upstream of upstreams) {
    const { config } = upstream
    line.upstream = config.name
    const controller = new AbortController()
    const abort = () => controller.abort()
    if (request.signal.aborted) throw new ClientLeft()
    waiting.allow(config.first_byte_milliseconds, abort)
    try {
      const ask = (more?: { keepalive: false }) =>
        send(`${config.base_url}${target.path}${target.search}`, {
          method: request.method,
          headers: upstreamHeaders(given, config, body.content_length),
          body: typeof body.content === 'function' ? body.content() : body.content,
          redirect: 'manual',
          decompress: false,
          timeout: false,
          signal: controller.signal,
          ...upstream.route,
          ...more,
        })
      const response = await ask().catch((error: unknown) => {
        if (controller.signal.aborted || !isClosed(error)) throw error
        return ask(ANEW)
      })
      line.upstream_milliseconds = Math.round((performance.now() - began) * 100) / 100
      refuseUnpassable(response, config.name, abort)
      return { upstream, response, abort }
    } catch (error) {
      if (isApiError(error)) throw error
      if (request.signal.aborted) throw new ClientLeft()
      late = waiting.isLate
      failures.push(`upstream "${config.name}": ${late ? 'no answer in time' : (error as Error).message}`)
      rest(upstream)
    }
  }
  throw because(late ? upstreamTimeout() : upstreamUnreachable(), failures.join('; '))
}

/** On a connection of its own; what is kept open is left alone. */
const ANEW = { keepalive: false } as const

/**
 * The connection was closed before there was an answer. Mostly the upstream had kept it for as long as it likes to, and closed it at the
 * moment at which we used it again: it has not read the request. We cannot see whether it has, but it closed without a word of an answer,
 * and to a POST as well the next upstream would be asked now.
 */
const isClosed = (error: unknown) => closed.has(String((error as { code?: unknown }).code))
const closed = new Set(['ECONNRESET', 'EPIPE', 'ConnectionClosed'])

/**
 * A refusal concerns the gateway's own key, and its text can hold that key; a redirect would lead to where the operator did not send us.
 * Neither is passed on, nor a number that HTTP does not know, which `Response` would not take.
 */
function refuseUnpassable({ status }: Response, name: string, abort: () => void) {
  const refused = status === 401 || status === 403 || status === 407
  const isStatus = status >= 200 && status <= 599
  if (!refused && isStatus && (status < 300 || status >= 400)) return
  abort()
  const why = refused ? ' to its api_key' : isStatus ? ', a redirect' : ', which is no status of an answer'
  throw because(badUpstream(), `upstream "${name}" answered ${status}${why}`)
}

export const because = (error: ApiError, cause: string) => Object.assign(error, { cause })

const isApiError = (error: unknown): error is ApiError => (error as Error).name === 'ApiError'
