/**
 * Tokens by the tokenizer: in pieces, exact where they are cut at spaces, and never fewer in a
 * bound.
 */
import { afterAll, describe, expect, test } from 'bun:test'
import { array, assert, asyncProperty, constantFrom, oneof, string } from 'fast-check'
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base'
import { countTokens } from '../../gateway/meter/count-tokens.ts'
import { encodingOf, type TokenQuestion } from '../../gateway/meter/tokens.ts'
import { WorkerTokenCounter } from '../../server/token-counter.ts'
import { runs } from '../runs.ts'

const question = (more: Partial<TokenQuestion>): TokenQuestion => ({
  encoding: 'o200k_base',
  prompt: null,
  answer: null,
  body: null,
  ...more,
})
/** As it stands in a JSON string. */
const escaped = (text: string) => JSON.stringify(text).slice(1, -1)
const plain = { disallowedSpecial: new Set<string>() }
const encodings = { o200k_base: o200k, cl100k_base: cl100k }

const word = oneof(
  constantFrom(
    'Hello',
    'tokenizer',
    '12345',
    '!!!',
    'Straße',
    '这是',
    'naïve',
    '<|endoftext|>',
    '\n\n',
    '  ',
    'x'.repeat(40),
  ),
  string({ maxLength: 12, unit: 'grapheme' }),
)
const text = array(word, { minLength: 50, maxLength: 200, size: 'max' }).map((words) => words.join(' '))

describe('tokens', () => {
  for (const [encoding, whole] of Object.entries(encodings) as ['o200k_base', typeof o200k][])
    test(`of a text with spaces are as many in pieces as in the whole (${encoding})`, async () => {
      await assert(
        asyncProperty(text, async (text) => {
          const { answer } = await countTokens(question({ encoding, answer: escaped(text) }))
          expect(answer).toBe(whole(text, plain))
        }),
        runs(60),
      )
    })

  test('of a body are never more than its bound, whatever its text', async () => {
    const any = oneof(
      text,
      string({ maxLength: 700, unit: 'binary' }),
      constantFrom('a', 'ab', '这', '👩‍👧', ' ', '\n').map((one) => one.repeat(300)),
    )
    await assert(
      asyncProperty(array(any, { maxLength: 3 }), async (texts) => {
        const body = JSON.stringify({ model: 'gpt-4o', messages: texts.map((content) => ({ role: 'user', content })) })
        const counted = await countTokens(question({ body }))
        // As OpenAI counts: four around each message, and three for the answer to begin.
        const exact = texts.reduce((sum, one) => sum + o200k(one, plain) + 4, 3)
        expect(counted.body!).toBeGreaterThanOrEqual(exact)
        expect(counted.body!).toBeLessThanOrEqual(Buffer.byteLength(body))
      }),
      runs(60),
    )
  })

  test('of a conversation are counted as OpenAI counts them', async () => {
    const messages = [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: [{ type: 'text', text: 'What is the weather in Paris?' }] },
    ]
    const json = JSON.stringify(messages)
    const prompt = { form: 'chat' as const, json, length: json.length, instructions: undefined, tools: undefined }
    // Three for each message, one for each role, six and seven for the texts, three for the answer
    // to begin.
    expect((await countTokens(question({ prompt }))).prompt).toBe(3 + 1 + 6 + 3 + 1 + 7 + 3)
    const tools = JSON.stringify([
      {
        type: 'function',
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ])
    expect((await countTokens(question({ prompt: { ...prompt, tools } }))).prompt).toBeGreaterThan(40)
  })

  test('of a list of tokens are as many as there are', async () => {
    const json = '[[1,2,3],[4,5]]'
    const prompt = { form: 'plain' as const, json, length: json.length, instructions: undefined, tools: undefined }
    expect((await countTokens(question({ prompt }))).prompt).toBe(5)
  })

  test('are known exactly for OpenAI’s models, also behind the name of a provider', () => {
    expect(
      ['gpt-4o-mini', 'openai/gpt-4.1', 'ft:gpt-4o-2024-08-06:acme::x', 'o3', 'gpt-oss-20b', 'gpt-5.2'].map(encodingOf),
    ).toEqual(Array.from({ length: 6 }, () => 'o200k_base'))
    expect(['gpt-4', 'gpt-4-turbo', 'gpt-3.5-turbo', 'text-embedding-3-small'].map(encodingOf)).toEqual(
      Array.from({ length: 4 }, () => 'cl100k_base'),
    )
    expect(['llama-3', 'gpt-4x', 'o30', 'my-gpt-4o', ''].map(encodingOf)).toEqual([null, null, null, null, null])
  })
})

describe('the Worker of the tokenizer', () => {
  const errors: string[] = []
  const counter = new WorkerTokenCounter((cause) => errors.push(cause))
  afterAll(() => counter.stop())

  test('counts 200 kB without a space while everything else goes on', async () => {
    await counter.count(question({ answer: 'x' }))
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const random = Array.from({ length: 60_000 }, (_, n) => String.fromCharCode(97 + ((n * 7919) % 26))).join('')
    const [first, second] = await Promise.all([
      counter.count(question({ answer: 'a'.repeat(200_000) })),
      counter.count(question({ answer: random })),
    ])
    clearInterval(timer)
    expect(first!.answer).toBeGreaterThanOrEqual(25_000)
    expect(second!.answer).toBeGreaterThan(10_000)
    // Counted here instead of in the Worker, no timer would fire before both answers.
    expect(turns).toBeGreaterThan(0)
    expect(errors).toEqual([])
  })

  test('answers null when it is stopped, and for more than it can do at once', async () => {
    const busy = new WorkerTokenCounter((cause) => errors.push(cause))
    const many = Array.from({ length: 300 }, () => busy.count(question({ answer: 'x' })))
    expect((await Promise.all(many.slice(256))).every((answer) => answer === null)).toBe(true)
    busy.stop()
    expect(await Promise.all(many)).toHaveLength(300)
    expect(await busy.count(question({ answer: 'x' }))).toBeNull()
  })
})
