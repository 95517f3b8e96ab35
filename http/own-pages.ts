/**
 * Requests from pages of this server: where such pages have their origin, the cookie of a session,
 * and the checks that keep pages of others from using it.
 */
import { notFromOwnPage, signInNeedsTls, twoCredentials, twoSessions } from '../contract/session-errors.ts'

/**
 * The origins that pages of this server have, as far as a request shows: https, or http on this
 * machine. None where a page could be read or changed on its way.
 */
export type OriginsOf = (request: Request) => readonly string[]

/** A request as far as sessions are concerned. */
export class PageRequest {
  readonly #request: Request
  readonly #origins: readonly string[]

  constructor(request: Request, originsOf: OriginsOf) {
    this.#request = request
    this.#origins = originsOf(request)
  }

  /**
   * The token of the session, of a request from a page of this server; null without a cookie.
   * Throws 400 for a cookie beside a key, 403 for a request from elsewhere, and 401 for two
   * cookies.
   */
  readToken(): string | null {
    const found = this.#names().flatMap((name) => cookiesNamed(this.#request.headers.get('cookie'), name))
    if (found.length === 0) return null
    if (this.#request.headers.has('authorization')) throw twoCredentials()
    this.#requireOwnPage()
    // Somebody else set the second one.
    if (found.length > 1) throw twoSessions()
    return found[0]!
  }

  /** Throws 403 unless somebody may sign in with this request. */
  requireSignIn() {
    if (this.#origins.length === 0) throw signInNeedsTls()
    this.#requireOwnPage()
  }

  /** The header that gives the browser the token of a session, or with null takes it away. */
  setCookie(token: string | null, seconds: number): string {
    const name = cookieName(this.#origin())
    const attributes = `HttpOnly; ${name === SECURE_NAME ? 'Secure; ' : ''}SameSite=Strict; Path=/`
    return token === null ? `${name}=; Max-Age=0; ${attributes}` : `${name}=${token}; Max-Age=${seconds}; ${attributes}`
  }

  /** Browsers leave Origin out where a page reads from its own server. */
  #requireOwnPage() {
    const { headers, method } = this.#request
    const origin = headers.get('origin')
    const isOwn = origin === null ? method === 'GET' || method === 'HEAD' : this.#origins.includes(origin)
    const isFromPage = headers.get('sec-fetch-site') === 'same-origin' && headers.get(OWN_PAGE_HEADER) === '1'
    if (!isOwn || !isFromPage) throw notFromOwnPage()
  }

  #origin(): string {
    const origin = this.#request.headers.get('origin')
    return origin !== null && this.#origins.includes(origin) ? origin : this.#origins[0]!
  }

  /** Both, where a proxy with https and a browser on this machine reach the same server. */
  #names(): string[] {
    return [...new Set(this.#origins.map(cookieName))]
  }
}

/** Pages of this server send it with each call; a form of another cannot. */
export const OWN_PAGE_HEADER = 'x-keyhall-console'

/** The name of the cookie, which browsers take over https only, and from no other host. */
export const SECURE_NAME = '__Host-keyhall'
/** Its name on http at this machine. */
export const PLAIN_NAME = 'keyhall'

const cookieName = (origin: string) => (origin.startsWith('https:') ? SECURE_NAME : PLAIN_NAME)

/** The values of all cookies with this name. */
export const cookiesNamed = (header: string | null, name: string): string[] =>
  (header ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
