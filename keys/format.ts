/**
 * What a key looks like: prefix, `1` (scheme and pepper version), Keyhall's marker, 32 characters of chance (190 bits), 11 of seal, 6 of
 * checksum. The checksum refuses typos and lets scanners know a key; anybody can compute it. The seal needs the pepper: it refuses
 * guesses. Neither touches storage. OpenAI's own marker never occurs in a key, because secret scanners send what contains it to OpenAI.
 */
import { crc32 } from 'node:zlib'
import { SEAL, sameBytes, seal, type Pepper } from './digest.ts'
import { base62, base62Number } from './random.ts'
import type { World } from './world.ts'

export const keyKinds = { project: 'sk-proj-', service_account: 'sk-svcacct-', admin: 'sk-admin-' } as const
export type KeyKind = keyof typeof keyKinds

const MARK = '1KyHaLl'
const OPENAI_MARK = 'T3BlbkFJ'
const CHANCE = 32
const CHECKSUM = 6
export const LONGEST_KEY = 256

export function makeKey(kind: KeyKind, random: World['random'], pepper: Pepper): string {
  for (;;) {
    const unsealed = keyKinds[kind] + MARK + base62(random, CHANCE)
    const unchecked = unsealed + seal(pepper, unsealed)
    const key = unchecked + checksum(unchecked)
    if (!key.includes(OPENAI_MARK)) return key
  }
}

const checksum = (text: string) => base62Number(crc32(text), CHECKSUM)

/** What kind of key a token is, and whether it has the form and the checksum of Keyhall's; null for what cannot be a key at all. */
export function parseKey(token: string): { kind: KeyKind; checked: boolean } | null {
  if (token.length > LONGEST_KEY || !/^[\x21-\x7e]+$/.test(token)) return null
  for (const kind of ['project', 'service_account', 'admin'] as const) {
    const prefix = keyKinds[kind]
    if (!token.startsWith(prefix)) continue
    const body = token.slice(0, -CHECKSUM)
    const checked =
      token.length === prefix.length + MARK.length + CHANCE + SEAL + CHECKSUM &&
      token.startsWith(MARK, prefix.length) &&
      checksum(body) === token.slice(-CHECKSUM)
    return { kind, checked }
  }
  return null
}

/** Whether a token, known to have the form of a key, was made with this pepper. */
export function isSealed(pepper: Pepper, token: string): boolean {
  const end = token.length - CHECKSUM - SEAL
  return sameBytes(Buffer.from(token.slice(end, end + SEAL)), Buffer.from(seal(pepper, token.slice(0, end))))
}

/** Prefix and the last four characters, which belong to the checksum: no bit of the secret. */
export const redact = (key: string) => `${prefixOf(key)}...${key.slice(-4)}`

/** For a key that Keyhall did not make: its last characters may be secret, so none of them is shown. */
export const redactForeign = (key: string) => `${prefixOf(key)}...`

/** How an error names the key that was sent: what it looks like, with nothing of a secret that is not ours. */
export function mask(token: string): string {
  const parsed = parseKey(token)
  return parsed?.checked
    ? `${prefixOf(token)}${'*'.repeat(12)}${token.slice(-4)}`
    : `${prefixOf(token)}${'*'.repeat(12)}`
}

/** A key in the midst of text: neither one that is masked already, nor the punctuation behind it. */
const KEYS = /sk-(?:proj|svcacct|admin)-(?!\*{12})(?:(?![/"'?&])[!-~]){16,}(?<![.,;:!)\]}>`])/g

/** Text that may hold a key where none belongs, such as an id in a path, with every such key masked. To be cut afterwards, not before. */
export const maskKeys = (text: string) => text.replace(KEYS, mask)

/** Whether a query string has a key in it, in a name or a value: keys belong in the header, because URLs end up in logs. */
export const holdsKey = (search: string) =>
  (search.includes('%') || search.includes('sk-')) && unescaped(search).search(KEYS) >= 0

/** With the ASCII of its percent signs as it is meant, whatever else stands beside it. */
export const unescaped = (text: string) => text.replace(/%[2-7][0-9a-f]/gi, decodeURIComponent)

const prefixOf = (key: string) => Object.values(keyKinds).find((prefix) => key.startsWith(prefix)) ?? ''
