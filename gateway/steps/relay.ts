/** Last step: passes the upstream's answer on to the client. */
import { badUpstream, upstreamTimeout } from '../../contract/errors.ts'
import { render } from '../../http/respond.ts'
import { copyResponseHeaders } from '../headers.ts'
import { isForMessages, messagesErrorEvent } from '../messages-errors.ts'
import type { ModelRequest } from '../model-request.ts'
import { StreamRelay } from '../relay-stream.ts'
import { watchKey } from './authenticate.ts'

/**
 * An answer whose length is known and not above this is read whole before it is passed on: cheaper
 * than a stream.
 */
const SMALL = 64 * 1024

/** nginx would hold a stream back until it has ended, and other proxies might keep it. */
const forEvents = { 'x-accel-buffering': 'no', 'cache-control': 'no-cache' }

export async function relay(call: ModelRequest, streams: { open: number }): Promise<Response> {
  const { response } = call.answered!
  const { status } = response
  const headers = call.callerHeaders()
  copyResponseHeaders(response.headers, headers)
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  if (isEvents) Object.assign(headers, forEvents)
  if (isForMessages(call.target)) headers['request-id'] = call.exchange.line.request_id
  const length = response.headers.get('content-length')
  // Of events, policies may keep some from the client.
  const isSmall = !isEvents && length !== null && Number(length) <= SMALL
  const body = isSmall
    ? await readSmall(call)
    : call.request.method === 'HEAD'
      ? leave(call, headers)
      : response.body && stream(call, response.body, isEvents, streams)
  call.reservations.addHeaders(headers)
  const rendered = render(call.exchange, { status, body, headers })
  // After `render`: what throws before this line is counted and logged once, as a failure.
  if (body instanceof ReadableStream) streams.open++
  else {
    if (body === null && response.body === null) call.answered!.upstream.giveConnection()
    call.finish('whole')
  }
  return rendered
}

/** For HEAD, the head is enough. */
function leave(call: ModelRequest, headers: Record<string, string>): null {
  const { response } = call.answered!
  const length = response.headers.get('content-length')
  call.abort()
  if (length !== null) headers['content-length'] = length
  // As GET says of a length that nobody knows. Without it, Bun would say that it is 0.
  else if (response.body !== null) headers['transfer-encoding'] = 'chunked'
  return null
}

async function readSmall(call: ModelRequest): Promise<ArrayBuffer> {
  const { deadline, reservations } = call
  const { response, upstream } = call.answered!
  const { idle_milliseconds, name } = upstream.config
  deadline.set(idle_milliseconds, call.abort)
  try {
    const bytes = await response.arrayBuffer()
    upstream.giveConnection()
    if (reservations.seesPieces) reservations.whole(Buffer.from(bytes))
    return bytes
  } catch (error) {
    if (call.revoked) throw call.revoked
    throw deadline.expired
      ? upstreamTimeout(`upstream "${name}" fell silent in its answer`)
      : badUpstream(`upstream "${name}" broke off: ${(error as Error).message}`)
  }
}

function stream(call: ModelRequest, source: ReadableStream<Uint8Array>, isEvents: boolean, streams: { open: number }) {
  const { deadline, abort, answered, reservations } = call
  const { upstream } = answered!
  const relay = new StreamRelay(source, {
    idle_milliseconds: upstream.config.idle_milliseconds,
    deadline,
    abort,
    drain: call.gateway.drain,
    isEvents,
    ...(isForMessages(call.target) && {
      errorEvent: (error) => messagesErrorEvent(error, call.exchange.line.request_id),
    }),
    reservations,
    onEnd(ended) {
      streams.open--
      if (ended === 'whole') upstream.giveConnection()
      call.finish(ended)
    },
  })
  watchKey(call, (error) => relay.revoke(error))
  return relay.stream
}
