/**
 * The key that signs exported rows of the audit log. It is an Ed25519 key and not the HMAC of the
 * seals, so that a log collector needs only the public half to check lines. With the pepper it
 * could make lines itself, and API keys.
 */
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { mac, type Pepper } from '../keys/digest.ts'

/** The bytes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface SigningKey {
  /** The id of the key; each pepper has its own key. */
  id: string
  /** The public half, as PEM. */
  publicKey: string
  /** In base64. */
  sign: (text: string) => string
}

/** The key is derived from the pepper: whoever has the one can make the other. */
export function signingKey(pepper: Pepper): SigningKey {
  const der = Buffer.concat([PKCS8_START, mac(pepper, 'audit-export:v1', '')])
  const privateKey: KeyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  const id = createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16)
  return {
    id,
    publicKey: publicKey.export({ format: 'pem', type: 'spki' }),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), privateKey).toString('base64'),
  }
}
