/**
 * What is true of every key: it is unlike any other, shows none of its secret, and a typo in it
 * never reaches storage.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { kyselyOver, runOf } from '../../database/kysely.ts'
import {
  isSealed,
  keyKinds,
  makeKey as make,
  mask,
  maskKeys,
  parseKey,
  redact,
  type KeyKind,
} from '../../keys/format.ts'
import { base62 } from '../../world/random.ts'
import { Secret } from '../../world/secret.ts'
import type { World } from '../../world/world.ts'
import { startServer, testPepper, type TestServer } from '../setup.ts'
import { withMembers } from '../storage/watched-reads.ts'
import { runs } from '../runs.ts'

const kinds = Object.keys(keyKinds) as KeyKind[]
const kind = fc.constantFrom(...kinds)
/** Chance and the seal. */
const SECRET = 43
const CHANCE = 32

const makeKey = (kind: KeyKind, random: World['random']) => make(kind, random, testPepper)
const pepper = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => new Secret(bytes))

/**
 * Bytes as chance would have them, but drawn by fast-check, so that a failure can be repeated; then
 * real ones, so that none runs dry.
 */
const drawn = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => {
  let rest = bytes
  return (size: number) => {
    const now = rest.slice(0, size)
    rest = rest.slice(size)
    return now.length < size ? new Uint8Array(randomBytes(size)) : now
  }
})

const secretOf = (key: string) => key.slice(-SECRET - 6, -6)

describe('a key', () => {
  test('has its shape, its kind and a checksum that holds', () => {
    fc.assert(
      fc.property(kind, drawn, (one, random) => {
        const key = makeKey(one, random)
        expect(key).toMatch(new RegExp(`^${keyKinds[one]}1KyHaLl[0-9A-Za-z]{49}$`))
        expect(parseKey(key)).toEqual({ kind: one, checked: true })
      }),
      runs(200),
    )
  })

  test('bears the seal of the pepper that it was made with, and of no other', () => {
    fc.assert(
      fc.property(kind, drawn, pepper, pepper, (one, random, ours, theirs) => {
        const key = make(one, random, ours)
        fc.pre(!Buffer.from(ours.reveal()).equals(Buffer.from(theirs.reveal())))
        expect(isSealed(ours, key)).toBe(true)
        expect(isSealed(theirs, key)).toBe(false)
      }),
      runs(200),
    )
  })

  test('is made once', () => {
    const keys = Array.from({ length: 20_000 }, () => makeKey('project', randomBytes))
    expect(new Set(keys).size).toBe(keys.length)
    expect(new Set(keys.map(secretOf)).size).toBe(keys.length)
  })

  test('never holds the mark that scanners send to OpenAI', () => {
    // The mark is drawn on purpose, at every place, and must be drawn again.
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    const mark = 'T3BlbkFJ'.split('').map((letter) => alphabet.indexOf(letter))
    for (let at = 0; at <= CHANCE - mark.length; at++) {
      let draws = 0
      const random = (size: number) => {
        const bytes = new Uint8Array(randomBytes(size))
        if (draws++ === 0) bytes.fill(5).set(mark, at)
        return bytes
      }
      expect(makeKey('admin', random)).not.toContain('T3BlbkFJ')
      expect(draws).toBeGreaterThan(1)
    }
  })

  test('is drawn without favouring any character', () => {
    const counts = new Map<string, number>()
    const length = 620_000
    for (const letter of base62(randomBytes, length)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    expect(counts.size).toBe(62)
    const expected = length / 62
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 61 degrees of freedom: by chance above 150 once in a hundred million runs. Bytes taken modulo
    // 62 without rejection give thousands.
    expect(chiSquare).toBeLessThan(150)
  })

  test('shows nothing of its secret when redacted, masked, or found in a text', () => {
    fc.assert(
      fc.property(kind, drawn, fc.string(), (one, random, around) => {
        const key = makeKey(one, random)
        // Only the checksum is shown, which anybody could compute from the rest and nobody the rest
        // from it.
        for (const shown of [redact(key), mask(key)]) {
          expect(shown.startsWith(keyKinds[one])).toBe(true)
          expect(shown.slice(keyKinds[one].length).replace(/^(\.{3}|\*+)/, '')).toBe(key.slice(-4))
        }
        const text = maskKeys(`/v1/${around} ${key} ${key}/x?${key}`)
        expect(text.split(secretOf(key))).toHaveLength(around.includes(secretOf(key)) ? 2 : 1)
      }),
      runs(200),
    )
  })

  test('that is masked already stays as it is, and so does what stands around a key', () => {
    const foreign = fc.stringMatching(/^[A-Za-z0-9_-]{30,60}$/)
    const value = fc.oneof(
      fc.tuple(kind, drawn).map(([one, random]) => makeKey(one, random)),
      fc.tuple(kind, foreign).map(([one, rest]) => keyKinds[one] + rest),
    )
    const around = fc.constantFrom(
      '',
      '.',
      ' It',
      ', ',
      '`',
      '`.',
      "'",
      '"',
      ')',
      ').',
      ';',
      ':',
      '!',
      '…',
      '>',
      ']}',
      '\n',
    )
    fc.assert(
      fc.property(value, around, around, (key, before, behind) => {
        const masked = maskKeys(`${before}${key}${behind}`)
        expect(masked).toBe(`${before}${mask(key)}${behind}`)
        expect(maskKeys(masked)).toBe(masked)
      }),
      runs(500),
    )
  })

  test('that Keyhall did not make shows nothing but its prefix', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 23, maxLength: 100, unit: fc.constantFrom(...'abcXYZ019_-!~'.split('')) }),
        (rest) => {
          const key = `sk-admin-${rest}`
          expect(mask(key)).toBe('sk-admin-************')
        },
      ),
      runs(100),
    )
  })
})

describe('a typo', () => {
  let server: TestServer
  let statements = 0
  beforeAll(async () => {
    server = await startServer('sqlite', {
      wrap: (database) =>
        withMembers(database, {
          read: kyselyOver('sqlite', (...query) => {
            statements++
            return runOf(database.read)(...query)
          }),
          write: (work) => {
            statements++
            return database.write(work)
          },
        }),
    })
  })
  afterAll(() => server.stop())

  const ask = async (key: string) => {
    statements = 0
    const { status } = await server.request('GET', '/organization/users', undefined, { authorization: `Bearer ${key}` })
    return { status, statements }
  }

  test('is told from the key itself, which does reach storage', async () => {
    expect(await ask(server.admin_key)).toMatchObject({ status: 200 })
    expect(statements).toBeGreaterThan(0)
    expect(await ask(makeKey('admin', randomBytes))).toEqual({ status: 401, statements: 1 })
  })

  test('is told from a guess, which does not, however well formed', async () => {
    for (const one of kinds)
      for (let n = 0; n < 100; n++)
        expect(await ask(make(one, randomBytes, new Secret(randomBytes(32))))).toEqual({ status: 401, statements: 0 })
  })

  test('of one character is refused without a word to storage', async () => {
    const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_'.split('')
    const key = server.admin_key
    const typos = new Set<string>()
    for (let at = 0; at <= key.length; at++) {
      const [before, after] = [key.slice(0, at), key.slice(at)]
      typos.add(before + after.slice(1))
      typos.add(before + (after[1] ?? '') + (after[0] ?? '') + after.slice(2))
      for (const letter of letters) {
        typos.add(before + letter + after)
        typos.add(before + letter + after.slice(1))
      }
    }
    typos.delete(key)
    expect(typos.size).toBeGreaterThan(8000)
    for (const typo of typos) {
      if (parseKey(typo)?.checked) expect(typo).toBe('refused')
    }
    // A sample of them through the door; the checksum above is what the door asks.
    const sample = [...typos].filter((_, n) => n % 20 === 0)
    for (const typo of sample) expect(await ask(typo)).toEqual({ status: 401, statements: 0 })
  })

  test('in any key is refused', () => {
    const edit = fc.record({ at: fc.nat(62), letter: fc.constantFrom(...'0Aa9Zz_-.'.split('')), how: fc.nat(3) })
    fc.assert(
      fc.property(kind, drawn, edit, (one, random, { at, letter, how }) => {
        const key = makeKey(one, random)
        const [before, after] = [key.slice(0, at), key.slice(at)]
        const typo = [
          before + letter + after.slice(1),
          before + after.slice(1),
          before + letter + after,
          before + (after[1] ?? '') + (after[0] ?? '') + after.slice(2),
        ][how]!
        fc.pre(typo !== key)
        expect(parseKey(typo)?.checked ?? false).toBe(false)
      }),
      runs(500),
    )
  })

  test('of any other kind is refused without a word to storage', async () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 300,
    })
    const prefix = fc.constantFrom('', 'sk-', 'sk-admin-', 'sk-admin-1KyHaLl', 'sk-proj-')
    await fc.assert(
      fc.asyncProperty(prefix, text, async (start, rest) => {
        expect(await ask(start + rest)).toEqual({ status: 401, statements: 0 })
      }),
      runs(200),
    )
  })
})
