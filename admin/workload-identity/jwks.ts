/** JSON Web Key Sets with which tokens are verified: public asymmetric keys only. */
import type { JSONWebKeySet, JWK } from 'jose'
import { invalid } from '../../contract/errors.ts'

/** No HMAC and no `none`: whoever verifies with these could not sign. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

const KINDS = ['RSA', 'EC', 'OKP']
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const MOST_KEYS = 100
const LARGEST = 64 * 1024

/** The keys of a set that can verify a token; null for what is no key set. */
export function usableKeys(set: unknown): JSONWebKeySet | null {
  const keys = (set as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) return null
  return { keys: keys.filter(isUsable) }
}

const isUsable = (key: unknown): key is JWK =>
  typeof key === 'object' &&
  key !== null &&
  KINDS.includes((key as JWK).kty ?? '') &&
  typeof (key as JWK).kid === 'string' &&
  ((key as JWK).use ?? 'sig') === 'sig'

/** Throws 400 for an uploaded set that could verify nothing, or that holds a secret. */
export function requireJwks(set: Record<string, unknown>, param: string) {
  const refuse = (why: string) => {
    throw invalid(`Invalid '${param}': ${why}`, param, 'unusable_value')
  }
  if (JSON.stringify(set).length > LARGEST) refuse(`a key set has at most ${LARGEST} bytes.`)
  const { keys } = set
  if (!Array.isArray(keys) || keys.length > MOST_KEYS)
    return refuse(`it must have a list 'keys' of at most ${MOST_KEYS} keys.`)
  for (const key of keys)
    if (typeof key === 'object' && key !== null && PRIVATE.some((member) => member in key))
      refuse('it has a private or a symmetric key. Upload public keys only.')
  if (!keys.some(isUsable)) refuse("it has no public RSA, EC or OKP key with a 'kid' that may verify signatures.")
}
