/**
 * An OIDC issuer on loopback with keys of its own, and what a test needs to use it: a provider, a
 * rule and a service account, and a way to exchange tokens.
 */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { make, newServiceAccount } from '../made.ts'
import type { Tenant, TestServer } from '../setup.ts'

export const AUDIENCE = 'https://keys.example.com'

export interface Signer {
  jwk: JWK
  privateKey: CryptoKey
}

export async function newSigner(kid: string, alg = 'ES256'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey }
}

/** A token as Kubernetes and GitHub make them; `claims` replace those of a good one. */
export function sign(
  { jwk, privateKey }: Signer,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = { aud: AUDIENCE, sub: 'job', iat: now, nbf: now, exp: now + 600, ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: jwk.alg!, kid: jwk.kid!, ...header }).sign(privateKey)
}

export interface Issuer {
  url: string
  /** `host:port`, for the setting. */
  host: string
  /** How often each path was asked for. */
  asked: Record<string, number>
  /** What is answered, by path; a test may replace it. */
  pages: Record<string, () => Response>
  stop: () => void
}

/** Serves a discovery document and these keys. */
export function startIssuer(signers: Signer[]): Issuer {
  const asked: Record<string, number> = {}
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url)
      asked[pathname] = (asked[pathname] ?? 0) + 1
      return issuer.pages[pathname]?.() ?? new Response(null, { status: 404 })
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  const issuer: Issuer = {
    url,
    host: `127.0.0.1:${server.port}`,
    asked,
    pages: {
      '/.well-known/openid-configuration': () => Response.json({ issuer: url, jwks_uri: `${url}/keys` }),
      '/keys': () => Response.json({ keys: signers.map(({ jwk }) => jwk) }),
    },
    stop: () => void server.stop(true),
  }
  return issuer
}

const PROVIDERS = '/organization/workload_identity_providers'

export interface Trust {
  provider_id: string
  rule_id: string
  project_id: string
  service_account_id: string
}

/** Trusts an issuer for a new service account, by one rule. */
export async function trust(tenant: Tenant, provider: object, rule: object): Promise<Trust> {
  const { id: service_account_id, project_id } = await newServiceAccount(tenant)
  const { id: provider_id } = await make(tenant, PROVIDERS, {
    name: 'Tests',
    type: 'oidc',
    audience: AUDIENCE,
    ...provider,
  })
  const path = `${PROVIDERS}/${provider_id}/federation_rules`
  const { id: rule_id } = await make(tenant, path, { project_id, service_account_id, ...rule })
  return { provider_id, rule_id, project_id, service_account_id }
}

export const uploaded = (...signers: Signer[]) => ({
  type: 'uploaded_jwks',
  jwks: { keys: signers.map(({ jwk }) => jwk) },
})

export interface Exchanged {
  status: number
  headers: Headers
  body: {
    access_token: string
    expires_in: number
    issued_token_type?: string
    token_type?: string
    error?: string
    error_description?: string
  }
}

/** Sends a token to be exchanged, as the official SDK does. */
export async function exchange(
  { fetch }: Pick<TestServer, 'fetch'>,
  { provider_id, service_account_id }: Pick<Trust, 'provider_id' | 'service_account_id'>,
  subject_token: string,
  others: object = {},
): Promise<Exchanged> {
  const request = new Request('http://keyhall.test/oauth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...exchangeBody(provider_id, service_account_id, subject_token), ...others }),
  })
  const response = await fetch(request)
  return { status: response.status, headers: response.headers, body: (await response.json()) as Exchanged['body'] }
}

export const exchangeBody = (identity_provider_id: string, service_account_id: string, subject_token: string) => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  identity_provider_id,
  service_account_id,
})
