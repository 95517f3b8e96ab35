/** Errors of model requests that administration does not have. */
import { ApiError } from './errors.ts'

/** A WebSocket where none is spoken. Clients that can do without fall back on HTTP at once. */
export const noWebSocket = (path: string) =>
  new ApiError(426, `There is no WebSocket at ${path}. Send the request over HTTP.`, {
    code: 'websocket_not_supported',
    headers: { upgrade: 'HTTP/1.1' },
  })

/** A request that begins a WebSocket and is not as RFC 6455 wants it. */
export const brokenUpgrade = (why: string) =>
  new ApiError(400, `This is not the beginning of a WebSocket: ${why}.`, { code: 'invalid_upgrade' })

/** A WebSocket of another version than RFC 6455's. */
export const wrongSocketVersion = () =>
  new ApiError(426, 'WebSockets of version 13 are spoken here. Send "Sec-WebSocket-Version: 13".', {
    code: 'websocket_version_not_supported',
    headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
  })

/**
 * A realtime session under a spend limit, or a model that a client asks for in one: nobody can say
 * what it costs at most.
 */
export const sessionWithoutBound = () =>
  new ApiError(
    400,
    'A realtime session cannot be used under a spend limit, because nobody can say what it costs at most. Use a key of a project without one, in an organization without one.',
    { code: 'session_without_bound' },
  )

/** A client sends faster than the upstream takes, and more than is kept for it. */
export const upstreamTooSlow = () =>
  new ApiError(503, 'The model server takes messages too slowly, so the session was ended.', {
    code: 'upstream_too_slow',
  })

/** A model request that is still under way when the time of a server that stops is over. */
export const serverStopping = () =>
  new ApiError(503, 'The server is being stopped, and the request took too long to wait for. Send it again.', {
    code: 'server_stopping',
    headers: { 'retry-after': '1' },
  })

/** The preflight of a page whose origin `KEYHALL_CORS_ORIGINS` does not name. */
export const originNotAllowed = () =>
  new ApiError(
    403,
    'Pages of this origin may not call this server from a browser. KEYHALL_CORS_ORIGINS names those that may.',
    {
      code: 'origin_not_allowed',
    },
  )

/** A body that is compressed in a way that the gateway cannot undo. Sent with `accept-encoding`. */
export const unsupportedEncoding = (encoding: string) =>
  new ApiError(
    415,
    `Unsupported content encoding "${encoding}". JSON may be sent with one of gzip and zstd, anything else not compressed.`,
    { code: 'unsupported_content_encoding', headers: { 'accept-encoding': 'gzip, zstd' } },
  )

/** A compressed body that is cut off, broken, or needs too much memory to be read. */
export const malformedEncoding = (encoding: string, cause: unknown) =>
  new ApiError(400, `We could not decompress the body of your request: it is not whole and correct ${encoding}.`, {
    cause,
  })

/** Two keys in the headers of one request. */
export const twoKeys = () =>
  new ApiError(400, 'The request has two different keys. Send one, in "Authorization", "api-key" or "x-api-key".', {
    code: 'two_keys',
  })

/** A project or organization that wants client certificates, and a request without one. */
export const clientCertificateNeeded = () =>
  new ApiError(
    401,
    'This project requires mutual TLS: send the request with a client certificate that chains to one of its active certificates.',
    { code: 'mutual_tls_required' },
  )

/** `problem` ends the sentence. */
export const clientCertificateRefused = (problem: string) =>
  new ApiError(401, `The client certificate is not accepted: ${problem}.`, { code: 'invalid_client_certificate' })
