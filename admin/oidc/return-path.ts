/** Where a person is sent after signing in: pages of the console, and nowhere else. */
import { invalid } from '../../contract/errors.ts'

const BASE = 'https://console.invalid'
const DEFAULT = '/console/'

/**
 * Throws 400 for everything but a path below `/console/`. Where a proxy serves Keyhall below a
 * path, `prefix` is that path, and the browser may write it too.
 */
export function readReturnPath(written: string | null, prefix = ''): string {
  if (written === null || written === '') return DEFAULT
  const text = written.startsWith(`${prefix}/console/`) ? written.slice(prefix.length) : written
  const url = URL.parse(text, BASE)
  // Browsers read a backslash as a slash, and leave out control characters.
  const isPlain = /^\/console\/[^\\\p{C}\s]*$/u.test(text)
  if (!isPlain || url?.origin !== BASE || !isPage(url.pathname))
    throw invalid("Invalid 'return_to': it must be a path below /console/, such as /console/keys.", 'return_to')
  return `${url.pathname}${url.search}${url.hash}`
}

/** The parser has resolved `..`, also where it was encoded. */
const isPage = (path: string) => path.startsWith('/console/') && !path.startsWith('/console/oidc/')
