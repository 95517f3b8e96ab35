/**
 * Keyhall as a client of an OpenID issuer: the authorization code flow with PKCE, by openid-client.
 * All requests go through the bounded fetch of workload identity. The discovery document is fetched
 * when it is first needed, and kept for an hour; keys are fetched with each sign-in, so that a key
 * that the issuer has just begun to use is known.
 */
import * as client from 'openid-client'
import { ApiError } from '../../contract/errors.ts'
import type { World } from '../../world/world.ts'
import { fetchBounded, Unfetchable, type MayFetchFrom } from '../shared/fetch-document.ts'
import type { Begun } from './begun-cookie.ts'
import { lacksSomething, readClaims, type Claims } from './claims.ts'
import {
  answerNotAccepted,
  issuerMisconfigured,
  issuerUnavailable,
  refusedByIssuer,
} from '../../contract/oidc-errors.ts'
import type { OidcSettings } from './oidc-settings.ts'

const KEPT_MILLISECONDS = 3_600_000
const WAIT_SECONDS = 10

export class IssuerClient {
  readonly settings: OidcSettings
  readonly #world: World
  readonly #hosts: MayFetchFrom
  #known: { metadata: client.ServerMetadata; at: number } | undefined
  #discovering: Promise<client.ServerMetadata> | undefined

  constructor(settings: OidcSettings, world: World, hosts: MayFetchFrom) {
    this.settings = settings
    this.#world = world
    this.#hosts = hosts
  }

  /** The address to send the browser to, and what to remember until it comes back. */
  async begin(redirect_uri: string): Promise<{ url: string; begun: Omit<Begun, 'return_to'> }> {
    const configuration = await this.#configuration()
    const [state, nonce, code_verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()]
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri,
      scope: this.settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
    })
    if (!/^https?:$/.test(url.protocol))
      throw issuerMisconfigured(new Error('authorization_endpoint is no web address'))
    return { url: url.href, begun: { issuer: this.settings.issuer, state, nonce, code_verifier, redirect_uri } }
  }

  /** Exchanges the code of the callback, verifies the ID token, and reads what it says. */
  async finish(search: string, { state, nonce, code_verifier, redirect_uri }: Begun): Promise<Claims> {
    const configuration = await this.#configuration()
    client.enableNonRepudiationChecks(configuration)
    const { issuer, userinfo_endpoint } = configuration.serverMetadata()
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(`${redirect_uri}?${search}`), {
        pkceCodeVerifier: code_verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      })
      const token = tokens.claims()!
      const userinfo =
        userinfo_endpoint !== undefined && lacksSomething(token, this.settings)
          ? await client.fetchUserInfo(configuration, tokens.access_token, token.sub)
          : {}
      return readClaims(issuer, token, userinfo, this.settings)
    } catch (error) {
      throw asRefusal(error)
    }
  }

  async #configuration(): Promise<client.Configuration> {
    const { client_id } = this.settings
    const metadata = await this.#metadata()
    const configuration = new client.Configuration(metadata, client_id, undefined, this.#authentication(metadata))
    configuration[client.customFetch] = this.#fetch
    configuration.timeout = WAIT_SECONDS
    // The bounded fetch decides who may be asked over http.
    client.allowInsecureRequests(configuration)
    return configuration
  }

  /** The way that the standard makes the default, where the issuer knows it. */
  #authentication({ token_endpoint_auth_methods_supported: known }: client.ServerMetadata): client.ClientAuth {
    const { client_secret } = this.settings
    if (client_secret === null) return client.None()
    const isBasic = known === undefined || known.includes('client_secret_basic')
    return isBasic ? client.ClientSecretBasic(client_secret.reveal()) : client.ClientSecretPost(client_secret.reveal())
  }

  async #metadata(): Promise<client.ServerMetadata> {
    const now = this.#world.steady()
    if (this.#known && now - this.#known.at < KEPT_MILLISECONDS) return this.#known.metadata
    const metadata = await (this.#discovering ??= this.#discover().finally(() => (this.#discovering = undefined)))
    this.#known = { metadata, at: now }
    return metadata
  }

  async #discover(): Promise<client.ServerMetadata> {
    const { issuer, client_id } = this.settings
    try {
      const found = await client.discovery(new URL(issuer), client_id, undefined, client.None(), {
        algorithm: 'oidc',
        execute: [client.allowInsecureRequests],
        timeout: WAIT_SECONDS,
        [client.customFetch]: this.#fetch,
      })
      return found.serverMetadata()
    } catch (error) {
      throw asRefusal(error, { isDiscovery: true })
    }
  }

  readonly #fetch = async (url: string, { method, headers, body }: client.CustomFetchOptions) => {
    const sent = body instanceof URLSearchParams ? body.toString() : undefined
    const answer = await fetchBounded(this.#world, url, this.#hosts, { method, headers, body: sent })
    return new Response(answer.text, { status: answer.status, headers: answer.headers })
  }
}

/** Wrong settings are the operator's to mend; the rest is said to the person. */
function asRefusal(error: unknown, { isDiscovery = false } = {}): unknown {
  if (error instanceof ApiError) return error
  const unfetchable = causes(error).find((one) => one instanceof Unfetchable)
  if (unfetchable) return issuerUnavailable(unfetchable)
  const [response] = causes(error).filter((one) => one instanceof Response)
  if (isDiscovery || (response && response.status >= 500)) return issuerUnavailable(error)
  if (error instanceof client.AuthorizationResponseError) return refusedByIssuer(plain(error.error))
  if (error instanceof client.ResponseBodyError)
    return error.error === 'invalid_grant' ? refusedByIssuer('invalid_grant') : issuerMisconfigured(error)
  if (error instanceof client.WWWAuthenticateChallengeError) return issuerMisconfigured(error)
  return answerNotAccepted(plain(error instanceof Error ? error.message : String(error)))
}

/** What came with the callback is somebody's text. */
const plain = (text: string) => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 100)

function causes(error: unknown): unknown[] {
  const cause = error instanceof Error ? error.cause : undefined
  return cause === undefined ? [error] : [error, ...causes(cause)]
}
