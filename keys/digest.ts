/** How a key is stored: `HMAC-SHA-256(pepper, "key:v1\0" + key)`. Who can write the database but lacks the pepper can mint no key. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { base62Number } from './random.ts'
import type { Secret } from './secret.ts'

/** 32 bytes that are not in the database or its backup. */
export type Pepper = Secret<Uint8Array>

const hashing = (pepper: Pepper, text: string) => createHmac('sha256', pepper.reveal()).update(text)
const hmac = (pepper: Pepper, text: string) => hashing(pepper, text).digest()

export const digest = (pepper: Pepper, key: string): Buffer => hmac(pepper, `key:v1\0${key}`)

export const SEAL = 11

/** What only the pepper's holder can write behind a text: 64 bits of `HMAC-SHA-256(pepper, "seal:v1\0" + text)` in base62. */
export const seal = (pepper: Pepper, text: string): string =>
  base62Number(hmac(pepper, `seal:v1\0${text}`).readBigUInt64BE(), SEAL)

/** How the token of an invitation is stored. */
export const inviteDigest = (pepper: Pepper, token: string): Buffer => hmac(pepper, `invite:v1\0${token}`)

/** The same as the key of a map: one character for each byte. */
export const digestName = (pepper: Pepper, key: string): string => hashing(pepper, `key:v1\0${key}`).digest('latin1')
export const nameOf = (digest: Uint8Array): string =>
  Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('latin1')
export const bytesOf = (name: string): Buffer => Buffer.from(name, 'latin1')

/** What the database keeps to recognise its pepper. */
export const canary = (pepper: Pepper): string => hmac(pepper, 'canary:v1').toString('hex')

export const sameBytes = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && timingSafeEqual(one, other)
