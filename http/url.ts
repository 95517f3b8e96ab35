/** The path and the query of a request's URL, cut out of its text, because `new URL` is slow. */
import { maskEncodedKeys } from '../keys/format.ts'

/** The query string without its question mark. */
export const searchOf = (url: string) => {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1).split('#', 1)[0]!
}

/** The index at which the path of a URL begins. Bun gives the path alone where it knew no host. */
export const startOfPath = (url: string) =>
  url.startsWith('/') ? 0 : Math.max(0, url.indexOf('/', url.indexOf('://') + 3))

/** The path as the client sent it. Not for the log: it can hold a key. */
export const rawPath = (url: string) => url.slice(startOfPath(url)).split(/[?#]/, 1)[0]!

/** The path as the log may show it: with keys masked, however often they are percent-encoded. */
export function loggablePath(url: string): string {
  const path = url.slice(startOfPath(url)).split('?', 1)[0]!
  const masked = maskEncodedKeys(path)
  return masked === path ? path : encodeURI(masked)
}

/**
 * Whether the Host header names no host (then Bun gives the path alone as the URL) or is there
 * twice (then Bun joins the values with a comma and uses the first). A missing or empty Host is
 * accepted, because health checks speak HTTP/1.0 and nothing here depends on it.
 */
export function hasWrongHost({ url, headers }: Request): boolean {
  const host = headers.get('host')
  return host !== null && host !== '' && (url.startsWith('/') || host.includes(','))
}
