/** The headers that pass the gateway. Both ways they are built from a list of what may pass; nothing else is copied. */
import type { UpstreamConfig } from './config.ts'

const asTheyCame = ['openai-beta', 'idempotency-key', 'traceparent', 'tracestate'] as const

/** What the upstream gets. `Accept-Encoding: identity`, so that a stream can be passed on as it comes and an error put at its end. */
export function upstreamHeaders(from: Headers, { api_key }: UpstreamConfig, contentLength: string | null) {
  const named = namedInConnection(from)
  const get = (name: string) => (named.has(name) ? null : from.get(name))
  const headers: Record<string, string> = {
    accept: get('accept') ?? '*/*',
    'accept-encoding': 'identity',
    'user-agent': get('user-agent') ?? 'keyhall',
  }
  const type = from.get('content-type')
  if (type !== null) headers['content-type'] = type
  for (const name of asTheyCame) {
    const value = get(name)
    if (value !== null) headers[name] = value
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
export function passHeaders(from: Headers, headers: Record<string, string>) {
  const named = namedInConnection(from)
  delete headers['content-type']
  for (const [name, value] of from) {
    if ((toClient.has(name) || name.startsWith('x-ratelimit-')) && !named.has(name)) headers[name] = value
  }
  // An answer with a body and no type would otherwise get one that Bun guesses.
  headers['content-type'] ??= 'application/octet-stream'
}

/** A header that `Connection` names is meant for the next hop alone (RFC 9110, 7.6.1). */
function namedInConnection(headers: Headers): Set<string> {
  const value = headers.get('connection')
  if (value === null || value === 'keep-alive' || value === 'close') return none
  return new Set(
    value
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}

const none: Set<string> = new Set()
