/**
 * Verifies the token of a workload as its provider says. What can be refused without keys is
 * refused before any are fetched. Keys come from the provider alone: a key or a URL inside the
 * token (`jwk`, `jku`, `x5c`, `x5u`) is not looked at.
 */
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import type { IdentityProviderRow } from '../../database/identity-tables.ts'
import { seconds, type World } from '../../world/world.ts'
import { Unfetchable } from '../shared/fetch-document.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { ALGORITHMS } from './jwks.ts'
import { invalidGrant, issuerUnavailable } from './oauth-error.ts'

/** How far the issuer's clock may be ahead of ours. An expired token is expired. */
const SKEW_SECONDS = 60

/** The claims that every token must have. */
export type Claims = JWTPayload & { iss: string; sub: string; exp: number; iat: number }

/** The claims of a token that holds. Throws OAuthError. */
export async function verifySubjectToken(
  token: string,
  provider: IdentityProviderRow,
  keys: IssuerKeys,
  world: World,
): Promise<Claims> {
  const kid = requireForm(token, provider)
  const set = await keys.keysFor(provider, kid).catch((error: unknown) => {
    throw error instanceof Unfetchable ? issuerUnavailable(`The issuer's keys: ${error.message}`, error) : error
  })
  const { payload } = await jwtVerify(token, createLocalJWKSet(set), {
    algorithms: ALGORITHMS,
    issuer: provider.issuer,
    audience: provider.audience,
    requiredClaims: ['iss', 'aud', 'sub', 'exp', 'iat'],
    clockTolerance: SKEW_SECONDS,
    currentDate: new Date(world.now()),
  }).catch((error: unknown) => {
    throw invalidGrant(sentenceOf(error))
  })
  const claims = payload as Claims
  const now = seconds(world)
  if (claims.exp <= now) throw invalidGrant(EXPIRED)
  if (typeof claims.iat !== 'number' || claims.iat > now + SKEW_SECONDS)
    throw invalidGrant('The iat of the subject token lies in the future.')
  return claims
}

const EXPIRED = 'The subject token has expired.'
const NO_JWT = 'The subject token is no signed JWT.'

/** What can be told without a key; returns the id of the key. */
function requireForm(token: string, { issuer }: IdentityProviderRow): string {
  let header
  let claims
  try {
    header = decodeProtectedHeader(token)
    claims = decodeJwt(token)
  } catch {
    throw invalidGrant(NO_JWT)
  }
  if (!ALGORITHMS.includes(header.alg ?? ''))
    throw invalidGrant(`The alg of the subject token must be one of ${ALGORITHMS.join(', ')}.`)
  if (typeof header.kid !== 'string' || header.kid === '') throw invalidGrant('The subject token names no kid.')
  if (claims.iss !== issuer) throw invalidGrant('The iss of the subject token is not the issuer of the provider.')
  return header.kid
}

/** Why jose refused a token, without a word from the token. */
function sentenceOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return EXPIRED
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (claim === 'aud') return 'The aud of the subject token is not the audience of the provider.'
    if (claim === 'nbf') return 'The subject token is not valid yet.'
    return reason === 'missing'
      ? `The subject token has no ${claim}.`
      : `The ${claim} of the subject token is not valid.`
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'The signature of the subject token does not verify with the key that it names.'
  if (error instanceof errors.JWKSNoMatchingKey) return 'The issuer has no key with the kid of the subject token.'
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'The issuer has several keys with the kid of the subject token.'
  return NO_JWT
}
