/**
 * What a sign-in under way keeps in the browser: encrypted, so that a page or a person with the
 * browser cannot read or change it, and for ten minutes. SameSite=Lax, because the issuer sends the
 * browser back from its own site.
 */
import { EncryptJWT, jwtDecrypt } from 'jose'
import { cookiesNamed } from '../../http/own-pages.ts'
import { mac, type Pepper, type Peppers } from '../../keys/digest.ts'

const BEGUN_SECONDS = 600

export interface Begun {
  issuer: string
  state: string
  nonce: string
  code_verifier: string
  redirect_uri: string
  return_to: string
}

const keyOf = (pepper: Pepper) => new Uint8Array(mac(pepper, 'begun-sign-in:v1', ''))

/** As the value of a cookie. */
export const sealBegun = (pepper: Pepper, begun: Begun, now: number): Promise<string> =>
  new EncryptJWT({ ...begun })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(now + BEGUN_SECONDS)
    .encrypt(keyOf(pepper))

/** Undefined where it was made elsewhere, was changed, or is too old. */
export async function openBegun(peppers: Peppers, sealed: string, now: number): Promise<Begun | undefined> {
  for (const pepper of peppers) {
    const options = { currentDate: new Date(now * 1000), keyManagementAlgorithms: ['dir'] }
    const opened = await jwtDecrypt<Begun>(sealed, keyOf(pepper), options).catch(() => undefined)
    if (opened) return opened.payload
  }
  return undefined
}

const nameOf = (origin: string) => (origin.startsWith('https:') ? '__Host-keyhall-oidc' : 'keyhall-oidc')

/** The header that gives it to the browser, or with null takes it away. */
export function begunCookie(origin: string, sealed: string | null): string {
  const attributes = `HttpOnly; ${origin.startsWith('https:') ? 'Secure; ' : ''}SameSite=Lax; Path=/`
  return `${nameOf(origin)}=${sealed ?? ''}; Max-Age=${sealed === null ? 0 : BEGUN_SECONDS}; ${attributes}`
}

/** The value that the browser sent; null without one, or with several. */
export function sealedIn({ headers }: Request, origin: string): string | null {
  const found = cookiesNamed(headers.get('cookie'), nameOf(origin))
  return found.length === 1 ? found[0]! : null
}
