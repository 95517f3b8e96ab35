/**
 * The form of a key: prefix, `1` (the version of the form), Keyhall's marker, 32 random characters
 * (190 bits), 11 of seal, 6 of checksum. The checksum finds typos, and scanners recognise keys by
 * it; anybody can compute it. The seal finds guesses: only somebody with the pepper can compute it.
 * Neither needs storage. OpenAI's own marker never occurs in a key, because secret scanners send
 * what contains it to OpenAI.
 */
import { crc32 } from 'node:zlib'
import { SEAL, sameBytes, seal, type Pepper } from './digest.ts'
import { base62, base62Number } from '../world/random.ts'
import type { World } from '../world/world.ts'

/** `access` is the access token of a workload: a key that lives an hour at most. */
export const keyKinds = {
  project: 'sk-proj-',
  service_account: 'sk-svcacct-',
  admin: 'sk-admin-',
  access: 'sk-access-',
} as const
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

/**
 * What kind of key a token is, and whether it has the form and the checksum of Keyhall's keys; null
 * for a token that is no key of any kind.
 */
export function parseKey(token: string): { kind: KeyKind; checked: boolean } | null {
  if (token.length > LONGEST_KEY || !/^[\x21-\x7e]+$/.test(token)) return null
  for (const kind of ['project', 'service_account', 'admin', 'access'] as const) {
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

/**
 * For a key that Keyhall did not make: its last characters may be secret, so none of them is shown.
 */
export const redactForeign = (key: string) => `${prefixOf(key)}...`

/**
 * How an error names the key that was sent: masked, and of a key that is not ours only the prefix.
 */
export function mask(token: string): string {
  const parsed = parseKey(token)
  return parsed?.checked
    ? `${prefixOf(token)}${'*'.repeat(12)}${token.slice(-4)}`
    : `${prefixOf(token)}${'*'.repeat(12)}`
}

/**
 * A key inside a text, without the punctuation behind it; a key that is masked already does not
 * match.
 */
const KEYS = /sk-(?:proj|svcacct|admin|access)-(?!\*{12})(?:(?![/"'?&])[!-~]){16,}(?<![.,;:!)\]}>`])/g

/**
 * A text with every key in it masked, for places where somebody may have put a key by mistake, such
 * as an id in a path. Cut the text after this and not before.
 */
export const maskKeys = (text: string) => text.replace(KEYS, mask)

/**
 * Whether a query string has a key in it, in a name or a value: keys belong in the header, because
 * URLs end up in logs.
 */
export function holdsKey(search: string): boolean {
  if (!search.includes('%')) return search.includes('sk-') && search.search(KEYS) >= 0
  const plain = unescaped(search)
  return plain === null || plain.search(KEYS) >= 0
}

/**
 * A text in which a key may be percent-encoded, any number of times: as it is, or decoded and
 * masked where it holds a key.
 */
export function maskEncodedKeys(text: string): string {
  if (!text.includes('%')) return maskKeys(text)
  const plain = unescaped(text)
  if (plain === null) return '[encoded too often]'
  const masked = maskKeys(plain)
  return masked === plain ? text : masked
}

const MOST_ROUNDS = 16

/**
 * The text with its percent-encoded ASCII decoded until none is left. `%252573` is decoded in one
 * round. More rounds are needed only where the digits are encoded as well; after too many rounds
 * the result is null.
 */
function unescaped(text: string): string | null {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const plain = text.replace(/%(?:25)*([2-7][0-9a-f])/gi, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    )
    if (plain === text) return plain
    text = plain
  }
  return null
}

const prefixOf = (key: string) => Object.values(keyKinds).find((prefix) => key.startsWith(prefix)) ?? ''
