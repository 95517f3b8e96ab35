/**
 * Everything that is made with the pepper: digests of keys and invitations, the seal inside a key,
 * MACs of stored rows. Each is `HMAC-SHA-256(pepper, label + "\0" + data)` with a label of its own.
 * Somebody who has the database but not the pepper can make none.
 */
import { timingSafeEqual } from 'node:crypto'
import { base62Number } from '../world/random.ts'
import type { Secret } from '../world/secret.ts'

/** 32 bytes that are not in the database or its backup. */
export type Pepper = Secret<Uint8Array>

/**
 * The peppers that are accepted: the current one, which makes new digests, and during a rotation
 * the previous one.
 */
export type Peppers = readonly [current: Pepper, ...previous: Pepper[]]

/**
 * Under which of the accepted peppers to look for a key, one after the other, by their positions.
 * During a rotation the key may move to the current pepper between two looks, so that one is tried
 * again at the end.
 */
export const searchOrder = (accepted: number): number[] => [...Array(accepted).keys(), ...(accepted > 1 ? [0] : [])]

/** Bun's own hasher, because it takes a fourth of the time of `createHmac`. */
const hashing = (pepper: Pepper, text: string) => new Bun.CryptoHasher('sha256', pepper.reveal()).update(text)
const hmac = (pepper: Pepper, text: string) => hashing(pepper, text).digest()

/**
 * A MAC of `data`, 32 bytes. `label` names its use and version, such as `key-row:v1`; no two uses
 * share a label.
 */
export const mac = (pepper: Pepper, label: `${string}:v${number}`, data: string | Uint8Array): Buffer =>
  hashing(pepper, `${label}\0`).update(data).digest()

/** Whether one of these peppers made the MAC of `data`. */
export const isMac = (peppers: Peppers, label: `${string}:v${number}`, data: string | Uint8Array, given: Uint8Array) =>
  peppers.some((pepper) => sameBytes(mac(pepper, label, data), given))

export const digest = (pepper: Pepper, key: string): Buffer => hmac(pepper, `key:v1\0${key}`)

export const SEAL = 11

/**
 * The seal of a text, which only somebody with the pepper can make: 64 bits of
 * `HMAC-SHA-256(pepper, "seal:v1\0" + text)` in base62.
 */
export const seal = (pepper: Pepper, text: string): string =>
  base62Number(hmac(pepper, `seal:v1\0${text}`).readBigUInt64BE(), SEAL)

/** The digest under which the token of an invitation is stored. */
export const inviteDigest = (pepper: Pepper, token: string): Buffer => hmac(pepper, `invite:v1\0${token}`)

/** The digest under which the token of a session is stored. */
export const sessionDigest = (pepper: Pepper, token: string): Buffer => hmac(pepper, `session:v1\0${token}`)

/** The digest under which the token of a link to sign in is stored. */
export const linkDigest = (pepper: Pepper, token: string): Buffer => hmac(pepper, `sign-in-link:v1\0${token}`)

/** The digests of a key under the previous peppers. */
export const previousDigests = ([, ...previous]: Peppers, key: string): Buffer[] =>
  previous.map((pepper) => digest(pepper, key))

/** The digest as a latin1 string, to use as a Map key. */
export const latin1Digest = (pepper: Pepper, key: string): string => hashing(pepper, `key:v1\0${key}`).digest('latin1')
export const asLatin1 = (digest: Uint8Array): string =>
  Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('latin1')
export const fromLatin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The canary: the value by which a database recognises its pepper. */
export const canary = (pepper: Pepper): string => hmac(pepper, 'canary:v2').toString('hex')

/** The canary of a database whose keys have no MACs yet. */
export const legacyCanary = (pepper: Pepper): string => hmac(pepper, 'canary:v1').toString('hex')

/** The id of a pepper. It reveals nothing of the pepper. */
export const pepperId = (pepper: Pepper): string => hmac(pepper, 'pepper-id:v1').toString('hex', 0, 8)

export const sameBytes = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && timingSafeEqual(one, other)
