/** The headers that pass the gateway. Both ways they are built from a list of what may pass; nothing else is copied. */
import type { UpstreamConfig } from './config.ts'

/** Headers as they came, by lower-case name. */
export type Given = Readonly<Record<string, string | undefined>>

const asTheyCame = ['openai-beta', 'idempotency-key', 'traceparent', 'tracestate'] as const

/** What the upstream gets. `Accept-Encoding: identity`, so that a stream can be passed on as it comes and an error put at its end. */
export function upstreamHeaders(given: Given, { api_key }: UpstreamConfig, contentLength: string | null) {
  const named = namedInConnection(given)
  const from = named === none ? given : without(given, named)
  const type = given['content-type']
  const headers: Record<string, string> = {
    accept: from.accept ?? '*/*',
    'accept-encoding': 'identity',
    'user-agent': from['user-agent'] ?? 'keyhall',
  }
  if (type !== undefined) headers['content-type'] = type
  for (const name of asTheyCame) {
    const value = from[name]
    if (value !== undefined) headers[name] = value
  }
  if (api_key) headers.authorization = `Bearer ${api_key.reveal()}`
  if (contentLength !== null) headers['content-length'] = contentLength
  return headers
}

const toClient = new Set([
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

/** Puts what the client may see of the upstream's answer into `headers`: the limits of the upstream's own account are among it. */
export function passHeaders(response: Headers, headers: Record<string, string>) {
  const given = allOf(response)
  const named = namedInConnection(given)
  const from = named === none ? given : without(given, named)
  // An answer with a body and no type would otherwise get one that Bun guesses.
  headers['content-type'] = 'application/octet-stream'
  for (const name in from) {
    if (toClient.has(name) || name.startsWith('x-ratelimit-')) headers[name] = from[name]!
  }
}

/** As an object with lower-case names: one call, where asking or walking through `Headers` costs one for each. */
export const allOf = (headers: Headers) => headers.toJSON() as Given

const without = (given: Given, named: readonly string[]): Given =>
  Object.fromEntries(Object.entries(given).filter(([name]) => !named.includes(name)))

/** A header that `Connection` names is meant for the next hop alone (RFC 9110, 7.6.1). */
function namedInConnection({ connection }: Given): readonly string[] {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return none
  return connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
}

const none: readonly string[] = []
