/**
 * Instead of the steps from the body on: a WebSocket is opened to an upstream first, and to the
 * client after it, so that what an upstream refuses is an answer of HTTP.
 */
import { ApiError, badUpstream, invalid, upstreamTimeout, upstreamUnreachable } from '../../contract/errors.ts'
import { brokenUpgrade, noWebSocket } from '../../contract/gateway-errors.ts'
import { ClientLeft } from '../../http/respond.ts'
import { maskKeys } from '../../keys/format.ts'
import { upstreamHeaders } from '../headers.ts'
import { noBody } from '../model-body.ts'
import type { ModelRequest } from '../model-request.ts'
import { dialUpstream, type OpenSocket } from '../sockets/dial-upstream.ts'
import { SocketRelay } from '../sockets/socket-relay.ts'
import { offeredProtocols, requireHandshake } from '../sockets/upgrade.ts'
import type { Upstream } from '../upstreams.ts'
import { applyPolicies } from './apply-policies.ts'
import { authenticateAgain, watchKey } from './authenticate.ts'
import { chooseUpstreams } from './choose-upstreams.ts'
import { isPassable, isRefusal, whyNot } from './forward.ts'
import { relay } from './relay.ts'

const LONGEST_LOGGED_MODEL = 128

export async function openSocket(
  call: ModelRequest,
  open: { streams: { open: number }; sockets: { open: number } },
): Promise<Response> {
  const { gateway, headers, forwarded, target, request } = call
  if (!gateway.upgrade) throw noWebSocket(target.shown)
  requireHandshake(headers)
  const model = modelIn(target.search)
  call.body = { ...noBody, model }
  forwarded.model = model === null ? null : maskKeys(model).slice(0, LONGEST_LOGGED_MODEL)
  await applyPolicies(call)
  await chooseUpstreams(call)
  const opened = await dial(call)
  if (!opened) return relay(call, open.streams)
  const { upstream, socket } = opened
  let relaying: SocketRelay | null = null
  try {
    relaying = new SocketRelay(call, socket, upstream.config.idle_milliseconds, () => open.sockets.open--)
    open.sockets.open++
    call.exchange.line.status = 101
    if (gateway.upgrade(request, relaying, answerHeaders(call, socket))) return new Response(null)
    open.sockets.open--
    throw request.signal.aborted ? new ClientLeft() : brokenUpgrade('the connection cannot become one')
  } catch (error) {
    relaying?.abandon()
    socket.socket.destroy()
    throw error
  }
}

/** The model that the query names. A server that reads names in any case must find the same. */
function modelIn(search: string): string | null {
  const named = [...new URLSearchParams(search)].filter(([name]) => name.toLowerCase() === 'model')
  if (named.length > 1 || (named.length === 1 && named[0]![0] !== 'model'))
    throw invalid("The query must name 'model' once, and in lower case.", 'model')
  return named[0]?.[1] || null
}

/** Null where the answer of an upstream is to be passed on, which is in `call.answered` then. */
async function dial(call: ModelRequest): Promise<{ upstream: Upstream; socket: OpenSocket } | null> {
  const { candidates, deadline, request } = call
  let errorOf = upstreamUnreachable
  const fail = (why: string) => (call.forwarded.failed_attempts ??= []).push(why)
  for (const upstream of candidates) {
    if (request.signal.aborted) throw new ClientLeft()
    const decided = authenticateAgain(call)
    if (decided) await decided
    try {
      const dialled = await ask(call, upstream)
      call.wasForwarded = true
      if (!('refusal' in dialled)) {
        call.upstreamStatus = 101
        upstream.answered()
        return { upstream, socket: dialled }
      }
      const answered = { upstream, response: dialled.refusal }
      call.upstreamStatus = dialled.refusal.status
      const isLast = upstream === candidates.at(-1)
      const mayGoOn = isRefusal(call, answered)
      if (mayGoOn) upstream.rest(dialled.refusal.headers)
      if (isPassable(dialled.refusal) && (!mayGoOn || isLast)) {
        call.answered = answered
        return null
      }
      fail(whyNot(answered))
      errorOf = badUpstream
      if (!mayGoOn) break
    } catch (error) {
      if (call.revoked) throw call.revoked
      if (error instanceof ApiError) throw error
      if (request.signal.aborted) throw new ClientLeft()
      errorOf = deadline.expired ? upstreamTimeout : upstreamUnreachable
      fail(`upstream "${upstream.config.name}": ${deadline.expired ? 'no answer in time' : (error as Error).message}`)
      upstream.rest()
    }
  }
  throw errorOf(call.forwarded.failed_attempts?.join('; '))
}

function ask(call: ModelRequest, { config, root }: Upstream) {
  const { gateway, headers, target } = call
  const controller = new AbortController()
  call.abort = () => controller.abort()
  call.forwarded.upstream = config.name
  call.deadline.set(config.first_byte_milliseconds, call.abort)
  call.reservations.beforeSending(config.name)
  watchKey(call, (error) => {
    call.revoked = error
    call.abort()
  })
  return dialUpstream(gateway.world, {
    url: `${target.isOutside ? root : config.base_url}${target.path}${target.search}`,
    headers: upstreamHeaders(headers, config, noBody),
    protocols: offeredProtocols(headers),
    signal: controller.signal,
  })
}

function answerHeaders(call: ModelRequest, { protocol }: OpenSocket): Record<string, string> {
  const headers = { ...call.callerHeaders(), 'x-request-id': call.exchange.line.request_id }
  call.reservations.addHeaders(headers)
  // A browser that offered one gives up where none is chosen.
  const chosen = protocol ?? offeredProtocols(call.headers)[0]
  return chosen === undefined ? headers : { ...headers, 'sec-websocket-protocol': chosen }
}
