/**
 * What is found in a body and in a stream of events, however they are written and cut into pieces.
 */
import { describe, expect, test } from 'bun:test'
import {
  array,
  assert,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  property,
  record,
  string,
  stringMatching,
} from 'fast-check'
import { JsonBody } from '../../gateway/model-body.ts'
import { EventFilter } from '../../gateway/event-filter.ts'
import { scanJson, scanNames } from '../../gateway/scan-json.ts'
import { runs } from '../runs.ts'

const names = scanNames(['stream', 'max_tokens', 'stream_options'], ['image_url', 'file'])
const wanted = ['stream', 'max_tokens', 'stream_options']
const bodyOf = (text: string) => {
  const bytes = new Uint8Array(Buffer.from(text))
  return new JsonBody(bytes, scanJson(bytes, names))
}
const key = constantFrom(...wanted, 'messages', 'n', 'streams', 'max_token', 'Streams', 'é')
const spaces = stringMatching(/^[ \t\r\n]{0,3}$/)

/** JSON with white space between its top-level members. */
const body = record({ value: dictionary(key, jsonValue({ maxDepth: 3 }), { maxKeys: 6 }), space: spaces }).map(
  ({ value, space }) => ({
    value,
    text: `${space}{${space}${Object.entries(value)
      .map(
        ([name, one]) => `${JSON.stringify(name)}${space}:${space}${JSON.stringify(one, null, space.length)}${space}`,
      )
      .join(',')}}${space}`,
  }),
)

/** Whether an object somewhere in it has the key. */
const hasKey = (value: unknown, name: string): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, name) && !Array.isArray(value) ? true : Object.values(value).some((one) => hasKey(one, name)))

describe('the members of a JSON body', () => {
  test('are found as a parser finds them', () => {
    assert(
      property(body, ({ value, text }) => {
        const scanned = bodyOf(text)
        for (const name of wanted) {
          const found = scanned.member(name)
          expect(found === undefined ? undefined : JSON.parse(found)).toEqual(JSON.parse(text)[name])
          // Numbers and flags are compared as texts.
          expect(found).toBe(found?.trim())
          expect(found !== undefined).toBe(Object.hasOwn(value, name))
        }
      }),
      runs(150),
    )
  })

  test('are set so that a parser reads what was set, and everything else as before', () => {
    assert(
      property(body, dictionary(constantFrom(...wanted), jsonValue({ maxDepth: 2 })), ({ text }, changes) => {
        const scanned = bodyOf(text)
        for (const [name, value] of Object.entries(changes)) scanned.set(name, JSON.stringify(value))
        const sent = JSON.parse(Buffer.from(scanned.content()).toString())
        expect(sent).toEqual({ ...JSON.parse(text), ...JSON.parse(JSON.stringify(changes)) })
      }),
      runs(150),
    )
  })

  test('are found at any depth, as keys and not as texts', () => {
    const nested = dictionary(constantFrom('image_url', 'file', 'text', 'files'), jsonValue({ maxDepth: 2 }), {
      maxKeys: 2,
    })
    assert(
      property(array(nested), array(constantFrom('image_url', 'file')), (input, texts) => {
        const found = bodyOf(JSON.stringify({ input, texts })).nested
        for (const name of ['image_url', 'file']) expect(found.has(name)).toBe(hasKey(input, name))
      }),
      runs(100),
    )
  })

  test('that are named twice are refused, also with escaped letters', () => {
    for (const second of ['stream', '\\u0073tream', 'str\\u0065am'])
      expect(() => bodyOf(`{"stream":true,"${second}":false}`)).toThrow('more than once')
    expect(bodyOf('{"\\u0073tream":true}').member('stream')).toBe('true')
    expect(() => bodyOf('{"strea\\m":true}')).toThrow('could not parse')
  })

  test('that no policy looks for cannot be set, because they could be there', () => {
    expect(() => bodyOf('{"n":1}').set('n', '2')).toThrow('not among the members')
  })
})

describe('events of a stream', () => {
  const line = string({ maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ' '))
  const event = record({ line, end: constantFrom('\n\n', '\r\n\r\n') }).map(({ line, end }) => `data: ${line}${end}`)

  test('are seen whole, and pass or not, however the stream is cut', () => {
    assert(
      property(array(event), line, array(integer({ min: 1, max: 9 }), { minLength: 1 }), (events, rest, sizes) => {
        const bytes = Buffer.from(events.join('') + rest)
        const seen: string[] = []
        const filter = new EventFilter((one) => {
          seen.push(Buffer.from(one).toString())
          return one.length % 2 === 0
        })
        const passed: Uint8Array[] = []
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = sizes[n % sizes.length]!
          // A copy that is overwritten: pieces may be used again.
          const piece = new Uint8Array(bytes.subarray(at, at + size))
          passed.push(new Uint8Array(filter.take(piece)))
          piece.fill(0)
          at += size
        }
        passed.push(filter.end() ?? new Uint8Array())
        // What no empty line has ended is an event too, at the end.
        const all = rest === '' ? events : [...events, rest]
        expect(seen).toEqual(all)
        const going = all.filter((one) => Buffer.byteLength(one) % 2 === 0).join('')
        expect(Buffer.concat(passed).toString()).toBe(going)
      }),
      runs(150),
    )
  })

  test('that are too long to be held pass unseen, and the next one is seen', () => {
    const seen: string[] = []
    const filter = new EventFilter((one) => seen.push(Buffer.from(one).toString()) > 0)
    const long = `data: ${'x'.repeat(200_000)}`
    // Also where the empty line comes in two pieces.
    for (const end of ['\n\n', '\n\r\n'])
      for (let cut = 0; cut < 4; cut++) {
        seen.length = 0
        const bytes = Buffer.from(`${long}${end}data: next\n\n`)
        const cuts = [0, 70_000, 140_000, long.length + cut, bytes.length]
        const passed = cuts.slice(1).map((to, n) => new Uint8Array(filter.take(bytes.subarray(cuts[n], to))))
        expect(Buffer.concat(passed).toString()).toBe(bytes.toString())
        expect(seen).toEqual(['data: next\n\n'])
      }
  })
})
