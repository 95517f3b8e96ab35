/** What every answer has in common, whichever half of the server gives it. */
import type { ApiError } from '../contract/errors.ts'
import { maskKeys, unescaped } from '../keys/format.ts'

export const answerHeaders = (request_id: string, milliseconds: number): Record<string, string> => ({
  'content-type': 'application/json',
  'x-request-id': request_id,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'openai-version': '2020-10-01',
  'openai-processing-ms': String(Math.round(milliseconds)),
})

/** The body of an error, with keys that stood where none belongs masked. */
export function errorBody(error: ApiError) {
  const { message, param } = error
  return { error: { ...error.body.error, message: maskKeys(message), param: param && maskKeys(param) } }
}

/** The query string without its question mark. */
export const searchOf = (url: string) => {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1).split('#', 1)[0]!
}

/** Where the path of a URL begins: at its third slash, or at once where Bun knew no host to put before it. */
export const startOfPath = (url: string) =>
  url.startsWith('/') ? 0 : Math.max(0, url.indexOf('/', url.indexOf('://') + 3))

/** The path of a URL as it is. */
export const pathnameOf = (url: string) => url.slice(startOfPath(url)).split(/[?#]/, 1)[0]!

/**
 * Whether the Host header names no host, so that Bun gives the path alone for a URL. It may be missing, or be empty: nothing here depends
 * on it, and health checks speak HTTP/1.0.
 */
export const hasWrongHost = ({ url, headers }: Request) => url.startsWith('/') && Boolean(headers.get('host'))

/** The path of a URL, as the log may show it: with keys masked, also those with percent signs in them. */
export const pathOf = (url: string) => {
  const path = url.slice(startOfPath(url)).split('?', 1)[0]!
  if (!path.includes('%')) return maskKeys(path)
  const plain = unescaped(path)
  const masked = maskKeys(plain)
  return masked === plain ? path : encodeURI(masked)
}
