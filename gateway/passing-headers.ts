/**
 * Which headers of a request pass to an upstream: some always, others where the file names them.
 */
import { Type as t } from 'typebox'

/** Anthropic's version of the API, and what keeps the requests of one session at one replica. */
const always = [
  'openai-beta',
  'idempotency-key',
  'traceparent',
  'tracestate',
  'anthropic-version',
  'anthropic-beta',
  'x-session-id',
  'x-session-affinity',
  'session-id',
  'session_id',
  'conversation_id',
] as const

export const PassingHeaders = t.Array(t.String({ format: 'header' }), {
  description: `Names of further headers of a request that pass to this upstream unchanged. Without being named, ${always.map((name) => `\`${name}\``).join(', ')} pass.`,
})

/** What is set by the gateway, holds a key or a cookie, or is meant for one connection alone. */
const never = new Set([
  'accept-encoding',
  'api-key',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'openai-organization',
  'openai-project',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
])

/** What is wrong with a name in the file, as the end of "must …"; null if nothing is. */
export function wrongHeader(name: string): string | null {
  if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(name)) return 'be the name of a header'
  const lower = name.toLowerCase()
  return never.has(lower) || /^(proxy|sec)-/.test(lower)
    ? 'name no header with a key or a cookie, and none that the gateway sets itself'
    : null
}

/** All that pass, in lower case and each once. */
export const passingHeaders = (named: readonly string[]): readonly string[] =>
  named.length === 0 ? always : [...new Set([...always, ...named.map((name) => name.toLowerCase())])]
