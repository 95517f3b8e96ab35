/**
 * The usage that is read from the end of an answer is that of the whole answer, whatever a model
 * was made to write in it.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { reportedIn } from '../../gateway/meter/count.ts'
import { endpointOf } from '../../gateway/meter/endpoints.ts'
import { usageAtEnd } from '../../gateway/meter/read-usage.ts'
import { ShortenedJson } from '../../gateway/meter/shortened-json.ts'
import { runs } from '../runs.ts'

const endpoints = ['/chat/completions', '/responses', '/embeddings'].map((path) => endpointOf('POST', path)!)
const usage = { prompt_tokens: 400, completion_tokens: 120 }

const count = fc.oneof(fc.nat(1000), fc.constantFrom(null, -1, '7', 1.5))
const usages = fc.oneof(
  fc.record(
    {
      prompt_tokens: count,
      completion_tokens: count,
      input_tokens: count,
      prompt_tokens_details: fc.record({ cached_tokens: count, audio_tokens: count }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  ),
  fc.constantFrom(null, 3, 'usage', [], { prompt_tokens: 2, usage: { prompt_tokens: 1 } }),
)
/** Texts and names that look like what is looked for. */
const words = fc.constantFrom(
  'usage',
  '"usage":{"prompt_tokens":9}',
  'say "usage',
  '\\"usage\\":{',
  '}],"usage":{"completion_tokens":1}}',
  'service_tier',
  'response',
  'web_search_call',
  '\\',
  'é👋',
)
const names = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('choices', 'text', 'model') },
  { weight: 1, arbitrary: fc.constantFrom('usage', 'service_tier', 'response', 'output', 'type', 'say "usage') },
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    words,
    usages,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map((members) => new Map(members)),
  ),
}))
const some = (maxLength: number) => fc.array(fc.tuple(names, value), { maxLength })
const tier = fc.tuple(fc.constant('service_tier'), fc.oneof(words, fc.constant(null), usages))
/** Most have, at their end or near it, a usage that counts. */
const good = fc.tuple(fc.constantFrom('usage', 'usage', 'usage', 'choices'), fc.constant({ prompt_tokens: 3 }))
const answers = fc
  .tuple(
    some(2),
    fc.array(tier, { maxLength: 1 }),
    fc.array(good, { maxLength: 2 }),
    fc.array(tier, { maxLength: 1 }),
    some(1),
  )
  .map((members) => members.flat())

/** JSON in which names may come twice, with spaces, and with letters written by their numbers. */
function json(value: unknown, style: () => number): string {
  const space = () => [' ', '\n', '', ''][style() % 4]!
  const text = (one: string) =>
    style() % 64 === 0 ? JSON.stringify(one).replaceAll('s', String.raw`\u0073`) : JSON.stringify(one)
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return `[${space()}${value.map((one) => json(one, style)).join(`,${space()}`)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value)
  return object(members, style)
}

function object(members: readonly (readonly [string, unknown])[], style: () => number): string {
  const space = () => [' ', '\t', '', ''][style() % 4]!
  const written = members.map(([name, one]) => `${json(name, style)}${space()}:${space()}${json(one, style)}`)
  return `{${space()}${written.join(`${space()},`)}}`
}

function styles(seed: number) {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) >> 8
}

test('what is read from the end of an answer is what the whole answer says', () => {
  let read = 0
  fc.assert(
    fc.property(answers, fc.nat(), fc.constantFrom(...endpoints), (members, seed, endpoint) => {
      const text = `${object(members, styles(seed))}${seed % 3 === 0 ? '\n' : ''}`
      const found = usageAtEnd(Buffer.from(text), endpoint)
      if (found === null) return
      read++
      expect(found).toEqual(reportedIn(JSON.parse(text), endpoint)!)
    }),
    runs(3000),
  )
  // Else the property would say nothing.
  expect(read).toBeGreaterThan(300)
})

const chat = endpoints[0]!
const whole = (more: object, content = 'Hi') => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content } }],
  ...more,
})
const response = endpoints[1]!
const read = (answer: unknown, endpoint = chat) => {
  const found = usageAtEnd(Buffer.from(JSON.stringify(answer)), endpoint)
  return found && [found.counts.input, found.counts.output, found.service_tier]
}

test('the usual answers are read from their end', () => {
  expect(read(whole({ usage }))).toEqual([400, 120, ''])
  expect(read(whole({ usage, service_tier: 'flex', system_fingerprint: null }))).toEqual([400, 120, 'flex'])
  expect(read(whole({ service_tier: 'default', usage, kv_transfer_params: { a: [1] } }))).toEqual([400, 120, 'default'])
  expect(read(whole({ service_tier: null, usage }))).toEqual([400, 120, ''])
  expect(read(whole({ usage }, '"usage":{"prompt_tokens":1}} "usage"'))).toEqual([400, 120, ''])
})

test('where the end does not say it beyond doubt, nothing is read', () => {
  const inner = { ...whole({}), choices: [{ message: { usage } }] }
  expect(read(inner)).toBeNull()
  expect(read({ usage, choices: [{ usage: { prompt_tokens: 1 } }] })).toBeNull()
  expect(read({ usage, text: 'usage' })).toBeNull()
  expect(read([whole({ usage })])).toBeNull()
  expect(read({ response: { usage: { prompt_tokens: 1 } }, usage }, response)).toBeNull()
  expect(read({ output: [{ type: 'web_search_call' }], usage }, response)).toBeNull()
  expect(read({ service_tier: 'flex', usage, more: { service_tier: 'auto' } })).toBeNull()
  const cut = JSON.stringify(whole({ usage })).slice(0, -1)
  expect(usageAtEnd(Buffer.from(cut), chat)).toBeNull()
  const spelled = JSON.stringify(whole({ usage })).replace('}}', String.raw`},"u\u0073age":{"prompt_tokens":5}}`)
  expect(usageAtEnd(Buffer.from(spelled), chat)).toBeNull()
})

test('an answer without its long strings is the same but for these, wherever it is cut', () => {
  const long = fc.tuple(words, fc.nat(6000)).map(([word, length]) => 'x'.repeat(length) + word)
  fc.assert(
    fc.property(fc.array(fc.oneof(words, long)), fc.array(fc.integer({ min: 1, max: 3000 })), (texts, cuts) => {
      const bytes = Buffer.from(JSON.stringify({ data: texts, usage }))
      const shortened = new ShortenedJson()
      let at = 0
      for (const cut of [...cuts, bytes.length]) shortened.add(bytes.subarray(at, (at += cut)))
      const isLong = (text: string) => Buffer.byteLength(JSON.stringify(text)) - 2 > 4096
      expect(JSON.parse(shortened.take())).toEqual({ data: texts.map((text) => (isLong(text) ? '' : text)), usage })
    }),
    runs(300),
  )
})
