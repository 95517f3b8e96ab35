/** How a key is stored: `HMAC-SHA-256(pepper, "key:v1\0" + key)`. Who can write the database but lacks the pepper can mint no key. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from './secret.ts'

/** 32 bytes that are not in the database or its backup. */
export type Pepper = Secret<Uint8Array>

const hmac = (pepper: Pepper, text: string) => createHmac('sha256', pepper.reveal()).update(text).digest()

export const digest = (pepper: Pepper, key: string): Buffer => hmac(pepper, `key:v1\0${key}`)

/** How the token of an invitation is stored. */
export const inviteDigest = (pepper: Pepper, token: string): Buffer => hmac(pepper, `invite:v1\0${token}`)

/** What the database keeps to recognise its pepper. */
export const canary = (pepper: Pepper): string => hmac(pepper, 'canary:v1').toString('hex')

export const sameBytes = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && timingSafeEqual(one, other)
