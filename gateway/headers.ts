/**
 * The headers that pass the gateway, both ways. They are built from a list of what may pass;
 * nothing else is copied.
 */
import type { ModelBody } from './model-body.ts'
import type { UpstreamConfig } from './upstream-config.ts'

/** By lower-case name. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>

/**
 * The headers of the request to the upstream. It is asked for no compression, so that a stream can
 * be passed on as it comes and an error put at its end.
 */
export function upstreamHeaders(
  given: RequestHeaders,
  { api_key, headers: passing }: UpstreamConfig,
  body: Pick<ModelBody, 'content_type' | 'content_length'>,
) {
  const named = namedInConnection(given)
  const from = named === none ? given : without(given, named)
  const type = body.content_type ?? given['content-type']
  const headers: Record<string, string> = {
    accept: from.accept ?? '*/*',
    'accept-encoding': 'identity',
    'user-agent': from['user-agent'] ?? 'keyhall',
  }
  if (type !== undefined) headers['content-type'] = type
  for (const name of passing) {
    const value = from[name]
    if (value !== undefined) headers[name] = value
  }
  if (api_key) headers.authorization = `Bearer ${api_key.reveal()}`
  if (body.content_length !== null) headers['content-length'] = body.content_length
  return headers
}

const forwardedResponseHeaders = new Set([
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'openai-model',
])

/**
 * Copies what the client may see of an upstream's answer into `headers`. The limits of the
 * upstream's account are not for it.
 */
export function copyResponseHeaders(response: Headers, headers: Record<string, string>) {
  const given = toRecord(response)
  const named = namedInConnection(given)
  const from = named === none ? given : without(given, named)
  // An answer with a body and no type would otherwise get one that Bun guesses.
  headers['content-type'] = 'application/octet-stream'
  for (const name in from) {
    if (forwardedResponseHeaders.has(name)) headers[name] = from[name]!
  }
}

/** As an object: one call, where `Headers` would be asked once for each header. */
export const toRecord = (headers: Headers) => headers.toJSON() as RequestHeaders

const without = (given: RequestHeaders, named: readonly string[]): RequestHeaders =>
  Object.fromEntries(Object.entries(given).filter(([name]) => !named.includes(name)))

/** A header that `Connection` names is meant for the next hop alone (RFC 9110, 7.6.1). */
function namedInConnection({ connection }: RequestHeaders): readonly string[] {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return none
  return connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
}

const none: readonly string[] = []
