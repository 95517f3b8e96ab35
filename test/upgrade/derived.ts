/**
 * What stands for chance in the databases of the fixtures. The pepper, the keys and the tokens of
 * invites all follow from one sentence, so that a test computes them and no fixture holds one.
 */
import { createHash, createHmac } from 'node:crypto'

const SENTENCE = 'The pepper of the databases that the upgrade tests begin with.'

export const pepperHex = createHash('sha256').update(SENTENCE).digest('hex')

/**
 * The bytes from which the `n`th secret of a kind is made. A kind is known by its size in bytes.
 */
export function derivedBytes(size: number, n: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, block) =>
    createHmac('sha256', SENTENCE).update(`${size} ${n} ${block}`).digest(),
  )
  return new Uint8Array(Buffer.concat(blocks)).slice(0, size)
}

/**
 * How many bytes are drawn for a key and for the token of an invite: no other draw has these sizes.
 */
export const KEY_BYTES = 48
export const TOKEN_BYTES = 59
