/**
 * The end of every request, in administration, the gateway and `/verify`: the answer or the error
 * is rendered, and the log and the metrics are told.
 */
import type { ApiError } from '../contract/errors.ts'
import { maskKeys } from '../keys/format.ts'
import { newRequestId } from '../world/random.ts'
import type { World } from '../world/world.ts'
import type { RequestLine } from './request-line.ts'
import { loggablePath } from './url.ts'
import { wireError } from './wire-error.ts'

/**
 * The status in the log for a client that left before its answer; nobody receives it. nginx has the
 * same number.
 */
const CLIENT_LEFT = 499

/** The client closed the connection before its request was read or answered. */
export class ClientLeft extends Error {}

/** Where requests are reported, and the clock that times them. */
export interface Reporting {
  world: World
  log?: ((line: RequestLine) => void) | undefined
}

/** A request from its arrival until it is reported. */
export interface Exchange {
  /** Filled in on the way; its status and duration are set at the end. */
  line: RequestLine
  /** `World.steady` at the arrival, in milliseconds. */
  began: number
  reporting: Reporting
}

export interface Answer {
  status?: number
  /** Text, bytes, a stream and null are sent as they are, anything else as JSON. */
  body: unknown
  /** Added to those that every answer has, or replacing them. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** `path` is the loggable path, where it is known already. */
export function beginExchange(
  component: RequestLine['component'],
  { method, url }: Request,
  reporting: Reporting,
  { operation = null, path = loggablePath(url) }: { operation?: string | null; path?: string } = {},
): Exchange {
  const { world } = reporting
  return {
    began: world.steady(),
    reporting,
    line: {
      request_id: newRequestId(world),
      component,
      method,
      path,
      operation,
      status: 200,
      milliseconds: 0,
      organization_id: null,
      project_id: null,
      key_id: null,
      ip_address: null,
      cause: undefined,
      storage_error: null,
    },
  }
}

/** Renders the answer and reports the request. */
export function respond(exchange: Exchange, answer: Answer): Response {
  const response = render(exchange, answer)
  report(exchange)
  return response
}

/**
 * Renders without reporting, for an answer that has only begun: whoever streams it calls `report`
 * at its end.
 */
export function render({ line, began, reporting }: Exchange, { status = 200, body, headers }: Answer): Response {
  // The status of the log stays 499 where the client has left.
  if (line.status !== CLIENT_LEFT) line.status = status
  const all = answerHeaders(line.request_id, reporting.world.steady() - began)
  if (headers) Object.assign(all, headers)
  const sent = content(body)
  return new Response(line.method === 'HEAD' ? leftOut(sent, all) : sent, { status, headers: all })
}

/** Tells the log and the metrics. Called once for each request. */
export function report({ line, began, reporting }: Exchange) {
  line.milliseconds = reporting.world.steady() - began
  reporting.log?.(line)
}

/**
 * The answer for what was thrown. The cause of a 5xx is for the log alone. A client that has left
 * counts as 499 and not as an error of ours.
 */
export function failure({ line }: Exchange, thrown: unknown, headers: Record<string, string> = {}): Answer {
  const error = wireError(thrown, line.request_id)
  if (error.isOfStorage) line.storage_error = error.code
  if (thrown instanceof ClientLeft) line.status = CLIENT_LEFT
  else if (error.status >= 500) line.cause = thrown
  const all = { ...headers, ...error.headers }
  if (!error.retry) all['x-should-retry'] = 'false'
  // RFC 9110, 15.5.2: every 401 names a scheme.
  if (error.status === 401) all['www-authenticate'] = 'Bearer'
  return { status: error.status, body: errorBody(error), headers: all }
}

/**
 * The body of an error. A key that stood where none belongs, and is quoted in the message, is
 * masked.
 */
export function errorBody(error: ApiError) {
  const { message, param } = error
  return { error: { ...error.body.error, message: maskKeys(message), param: param && maskKeys(param) } }
}

/**
 * A HEAD is answered as the GET of the same path (RFC 9110, 9.3.2), and what GET would send is only
 * measured.
 */
function leftOut(body: Content, headers: Record<string, string>): null {
  if (typeof body === 'string' || body instanceof ArrayBuffer)
    headers['content-length'] = String(Buffer.byteLength(body))
  return null
}

type Content = string | ArrayBuffer | ReadableStream | null

const answerHeaders = (request_id: string, milliseconds: number): Record<string, string> => ({
  'content-type': 'application/json',
  'x-request-id': request_id,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'openai-version': '2020-10-01',
  'openai-processing-ms': String(Math.round(milliseconds)),
})

const content = (body: unknown): Content =>
  body === null || typeof body === 'string' || body instanceof ArrayBuffer || body instanceof ReadableStream
    ? body
    : JSON.stringify(body)
