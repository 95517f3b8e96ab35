/** A real OpenID issuer with people, and a browser as far as redirects, cookies and forms go. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK } from 'jose'
// @ts-expect-error The package has no types.
import OidcServer from 'oidc-provider'
import type { OidcSettings } from '../../admin/oidc/oidc-settings.ts'
import { Secret } from '../../world/secret.ts'
import { pageOrigin, type TestServer } from '../setup.ts'
import { newSigner, type Signer } from '../workload-identity/issuer.ts'

export interface OpenIdIssuer {
  url: string
  /** `host:port`, for the setting. */
  host: string
  /** What is said of each person, by the name that they sign in with. */
  people: Record<string, Record<string, unknown>>
  /** The key that signs now. */
  signer: Signer
  /** The settings of a server that trusts it. */
  settings: (more?: Partial<OidcSettings>) => OidcSettings
  /** Signs with another key from now on. */
  rotate: () => Promise<void>
  /** Whether it answers. */
  isDown: boolean
  stop: () => void
}

interface IssuerOptions {
  redirect_uri?: string
  /** The name by which it is reached. */
  name?: string
  /** Says everything in the ID token, and not only at its userinfo endpoint. */
  inToken?: boolean
}

export async function startOpenIdIssuer({
  redirect_uri = `${pageOrigin}/console/oidc/callback`,
  name = '127.0.0.1',
  inToken = false,
}: IssuerOptions = {}): Promise<OpenIdIssuer> {
  let answer: (request: unknown, response: unknown) => unknown
  const listening = createServer((request, response) => {
    if (issuer.isDown) response.destroy()
    else void answer(request, response)
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const host = `${name}:${(listening.address() as AddressInfo).port}`
  const url = `http://${host}`
  const begin = async (signer: Signer) => {
    const jwk = { ...signer.jwk, ...(await exportJWK(signer.privateKey)) }
    const provider = new OidcServer(url, {
      jwks: { keys: [jwk] },
      clients: [{ client_id: 'keyhall', client_secret: 'a secret of the client', redirect_uris: [redirect_uri] }],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
      conformIdTokenClaims: !inToken,
      cookies: { keys: ['a key of the test'] },
      findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...issuer.people[id] }) }),
    } as never)
    answer = provider.callback()
  }
  const issuer: OpenIdIssuer = {
    url,
    host,
    people: {},
    isDown: false,
    signer: await newSigner('first', 'RS256'),
    settings: (more = {}) => ({
      issuer: url,
      client_id: 'keyhall',
      client_secret: new Secret('a secret of the client'),
      name: 'Example',
      scopes: ['openid', 'email', 'profile'],
      allowed_domains: null,
      trust_email: false,
      newcomers: 'refuse',
      groups_claim: 'groups',
      groups: [],
      ...more,
    }),
    async rotate() {
      issuer.signer = await newSigner('second', 'RS256')
      await begin(issuer.signer)
    },
    stop() {
      listening.closeAllConnections()
      listening.close()
    },
  }
  await begin(issuer.signer)
  return issuer
}

export interface Seen {
  status: number
  text: string
  headers: Headers
  url: string
}

/** Keeps the cookies of each origin, as a browser does, and follows redirects. */
export class Agent {
  readonly #server: Pick<TestServer, 'fetch'>
  readonly cookies = new Map<string, Map<string, string>>()

  constructor(server: Pick<TestServer, 'fetch'>) {
    this.#server = server
  }

  /** One request, without following where it leads. */
  async ask(address: string, form?: Record<string, string>): Promise<Seen> {
    const url = new URL(address)
    const kept = this.cookies.get(url.origin) ?? new Map<string, string>()
    this.cookies.set(url.origin, kept)
    const cookie = [...kept].map(([name, value]) => `${name}=${value}`).join('; ')
    const init = {
      method: form ? 'POST' : 'GET',
      headers: { ...(cookie && { cookie }), 'user-agent': 'test/1.0' },
      ...(form && { body: new URLSearchParams(form) }),
      redirect: 'manual' as const,
    }
    const isOwn = url.origin === pageOrigin
    const response = isOwn ? await this.#server.fetch(new Request(url, init)) : await fetch(url, init)
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ')
      const at = pair.indexOf('=')
      const isGone = attributes.some((one) => /^max-age=0$|^expires=thu, 01 jan 1970/i.test(one))
      if (isGone) kept.delete(pair.slice(0, at))
      else kept.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return { status: response.status, text: await response.text(), headers: response.headers, url: url.href }
  }

  /** Follows redirects up to an address that `until` takes, which is not asked, or to a page. */
  async follow(
    address: string,
    form?: Record<string, string>,
    until: (url: URL) => boolean = () => false,
  ): Promise<Seen> {
    let seen = await this.ask(address, form)
    for (;;) {
      const location = seen.headers.get('location')
      if (location === null) return seen
      const next = new URL(location, seen.url)
      if (until(next)) return { ...seen, url: next.href }
      seen = await this.ask(next.href)
    }
  }

  /** Signs in at the issuer; the address of the callback, which is not yet asked. */
  async callbackOf(person: string, return_to = '/console/keys'): Promise<string> {
    const isBack = (url: URL) => url.origin === pageOrigin && url.pathname === '/console/oidc/callback'
    const start = `${pageOrigin}/console/oidc/start?return_to=${encodeURIComponent(return_to)}`
    let seen = await this.follow(start, undefined, isBack)
    for (const form of [{ prompt: 'login', login: person, password: 'x' }, { prompt: 'consent' }]) {
      if (isBack(new URL(seen.url))) break
      const action = /action="([^"]+)"/.exec(seen.text)
      if (!action) throw new Error(`No form, but ${seen.status}: ${seen.text}`)
      seen = await this.follow(new URL(action[1]!, seen.url).href, form as Record<string, string>, isBack)
    }
    if (!isBack(new URL(seen.url))) throw new Error(`Not sent back, but ${seen.status}: ${seen.text}`)
    return seen.url
  }

  async signIn(person: string, return_to?: string): Promise<Seen> {
    return this.ask(await this.callbackOf(person, return_to))
  }

  /** The cookie of the session, as the browser would send it. */
  get session(): string | null {
    const value = this.cookies.get(pageOrigin)?.get('__Host-keyhall')
    return value === undefined ? null : `__Host-keyhall=${value}`
  }
}

/** The sentence of a page that says why somebody was not signed in. */
export const sentenceOf = ({ text }: Seen): string | undefined => /<p role="alert">(.*)<\/p>/.exec(text)?.[1]
