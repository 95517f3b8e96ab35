/**
 * One attempt to have an upstream answer, and what its failure means: whether the request may be
 * sent again.
 *
 * A request that may have been processed is not sent a second time, to the same upstream or to
 * another one, unless it is a GET or HEAD, or its caller gave an `idempotency-key`, which says that
 * twice is like once (RFC 9110, 9.2.2). That standard calls PUT and DELETE repeatable too; servers
 * of models do not keep to it.
 */
import { upstreamHeaders } from './headers.ts'
import { isRead } from './request-methods.ts'
import type { ModelRequest } from './model-request.ts'
import type { Upstream } from './upstreams.ts'

/**
 * A server that closes a kept connection in the moment at which we use it again has not read the
 * request. `fetch` does not say whether it used a kept connection. It is taken for one if one was
 * kept when the request was sent and it was closed without a byte within this time: a server that
 * read the request and works on it takes longer to fail.
 */
const CLOSED_AT_ONCE_MILLISECONDS = 50

/** The codes of a connection that was closed, and of one that never came about. */
const closed = new Set(['ECONNRESET', 'EPIPE', 'ConnectionClosed'])
const neverOpened = new Set([
  'ECONNREFUSED',
  'ConnectionRefused',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'FailedToOpenSocket',
])

export const mayRunTwice = ({ request, headers }: ModelRequest) =>
  isRead(request.method) || headers['idempotency-key'] !== undefined

/** Whether an attempt failed before the upstream had the request. */
export const wasNeverSent = (error: unknown) => neverOpened.has(codeOf(error))

/** `signal` ends the attempt. */
export async function attempt(call: ModelRequest, upstream: Upstream, signal: AbortSignal): Promise<Response> {
  const { world } = call.gateway
  const mayBeKept = upstream.takeConnection()
  const sent = world.steady()
  try {
    return await send(call, upstream, signal)
  } catch (error) {
    if (signal.aborted || !closed.has(codeOf(error))) throw error
    const wasKept = mayBeKept && world.steady() - sent < CLOSED_AT_ONCE_MILLISECONDS
    if (!wasKept && !mayRunTwice(call)) throw error
    return send(call, upstream, signal, { keepalive: false })
  }
}

/**
 * `keepalive: false` opens a connection for this request alone, and leaves those that are kept
 * where they are.
 */
function send(call: ModelRequest, { config, route, root }: Upstream, signal: AbortSignal, more?: { keepalive: false }) {
  const { request, target, headers, body } = call
  const init = {
    // Few model servers know HEAD. The answer to GET is left when its head is there.
    method: request.method === 'HEAD' ? 'GET' : request.method,
    headers: upstreamHeaders(headers, config, body),
    body: body.content(),
    redirect: 'manual' as const,
    decompress: false,
    timeout: false,
    signal,
  }
  const url = `${target.isOutside ? root : config.base_url}${target.path}${target.search}`
  return call.gateway.world.fetch(url, Object.assign(init, route, more))
}

const codeOf = (error: unknown) => String((error as { code?: unknown }).code)
