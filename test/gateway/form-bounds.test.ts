/**
 * Forms and batch files cost no more than was reserved for them, however they write how many
 * answers they want: the upstream reads numbers as Python does.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { runs } from '../runs.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer, type Received } from './metered.ts'

const CONTEXT = 300
const MOST = 50
const LONGEST = 1_500

/** As pydantic reads a number: digits of any script, with spaces around and `_` between them. */
function pythonic(value: unknown): number {
  const text = String(value).trim().replaceAll('_', '')
  const digits = text.replaceAll(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660))
  return /^[+-]?\d+(?:\.0*)?$/.test(digits) ? Number(digits) : Number.NaN
}

const plain = fc.integer({ min: 0, max: 12 })
const count = fc.oneof(
  plain.map(String),
  plain.map((n) => ` ${n}`),
  fc.constantFrom(
    '+3',
    '3.0',
    '1_0',
    '1__0',
    '٣',
    '٣_٠',
    '-1',
    '',
    'two',
    '1e1',
    '0x10',
    'null',
    '[3]',
    '"4"',
    'NaN',
    '1e400',
  ),
)
/** In a JSON body also as a number, and as text with escapes. */
const jsonCount = fc.oneof(
  plain.map(String),
  count.map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u0035"', '"1\\u005f0"', 'true', '[7]', '3.0', '1e1', 'null'),
)

/** How long an answer may be: less than the model's maximum, more, or unknown. */
const length = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 2 * MOST }).map(String) }, jsonCount)

/** No number, and some upstreams take it for none. */
const empty = fc.constantFrom('""', '" "', '"_"', '"\\t"')

const form = fc.record({
  path: fc.constantFrom('/images/edits', '/images/variations', '/audio/transcriptions', '/audio/translations'),
  n: fc.option(count, { nil: undefined }),
  size: fc.constantFrom(undefined, '256x256', '1024x1024', '9x9'),
  file: fc.integer({ min: 0, max: 5_000 }),
  // The bytes of silence say nothing of its length.
  seconds: fc.oneof(fc.integer({ min: 0, max: LONGEST }), fc.constant(LONGEST)),
})

const prices = [{ input: 10, output: 20, batch: 0.5, image: 0.04, minute: 0.006, priority: 2 }]

for (const engine of engines)
  describe(`bounds of forms and batches (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine, [
        { match: 'priced', prices, context_tokens: CONTEXT, max_output_tokens: MOST, max_audio_seconds: LONGEST },
        { match: 'of-unknown-length', prices: [{ minute: 0.006 }] },
        { match: 'speech', prices: [{ million_characters: 15 }] },
      ])
      const { spendLimit } = server.client.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 900_000_000, currency: 'USD', interval: 'month' })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const broken = async () => {
      await server.now.writeUsage()
      return (await server.samples()).keyhall_bound_broken_total
    }

    test('of images and audio are kept by the dearest answer, whatever says how many', async () => {
      const property = fc.asyncProperty(form, async ({ path, n, size, file, seconds }) => {
        const before = await broken()
        const isImage = path.startsWith('/images')
        const answers = n === undefined ? 1 : pythonic(n)
        server.answerWith(() => {
          if (isImage && !(answers >= 0)) return Response.json({ error: { message: 'n' } }, { status: 400 })
          const usage = { input_tokens: CONTEXT, output_tokens: MOST * Math.max(1, isImage ? answers : 1) }
          const data = Array.from({ length: isImage ? answers : 0 }, () => ({}))
          return Response.json({ usage, data, service_tier: 'priority', duration: seconds })
        })
        const body = new FormData()
        body.append('model', 'priced')
        if (n !== undefined) body.append('n', n)
        if (size) body.append('size', size)
        body.append(isImage ? 'image' : 'file', new Blob([new Uint8Array(file)]), 'file')
        expect((await server.finish('POST', path, body)).status).toBeOneOf([200, 400])
        expect(await broken()).toBe(before)
      })
      await fc.assert(property, runs(engine === 'sqlite' ? 60 : 15))
    })

    test('of audio are unknown without the longest that the model takes: 400 under a spend limit', async () => {
      const body = new FormData()
      body.append('model', 'of-unknown-length')
      body.append('file', new Blob([new Uint8Array(100)]), 'file')
      const answer = await server.finish('POST', '/audio/transcriptions', body)
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.text)).toMatchObject({
        error: { code: 'model_without_bound', message: expect.stringContaining('set `max_audio_seconds` of') },
      })
    })

    test('of speech are its bytes, which are counted too', async () => {
      const body = new FormData()
      body.append('model', 'speech')
      body.append('input', 'x'.repeat(1_000))
      server.answerWith(() => new Response('speech'))
      expect((await server.finish('POST', '/audio/speech', body)).status).toBe(200)
      const { characters } = await server.counted('audio_speeches', 'speech')
      expect(characters).toBeGreaterThan(1_000)
    })

    test('of answers in JSON are kept by an upstream that reads texts as numbers', async () => {
      const property = fc.asyncProperty(fc.constantFrom('n', 'best_of'), jsonCount, async (name, written) => {
        const before = await broken()
        server.answerWith(({ body }) => {
          const answers = body[name] === null || body[name] === true ? 1 : pythonic(body[name])
          if (!(answers >= 0)) return Response.json({ error: { message: name } }, { status: 400 })
          return Response.json({ usage: { prompt_tokens: 10, completion_tokens: MOST * Math.max(1, answers) } })
        })
        const text = `{"model":"priced","messages":[],"${name}":${written}}`
        expect((await server.finish('POST', '/chat/completions', text)).status).toBeOneOf([200, 400])
        expect(await broken()).toBe(before)
      })
      await fc.assert(property, runs(engine === 'sqlite' ? 60 : 15))
    })

    test('of lengths of answers are kept by an upstream that takes its default where none is named', async () => {
      const member = fc.constantFrom(
        ['/chat/completions', 'max_tokens'],
        ['/chat/completions', 'max_completion_tokens'],
        ['/completions', 'max_tokens'],
        ['/responses', 'max_output_tokens'],
      )
      const property = fc.asyncProperty(member, fc.oneof(jsonCount, empty), async ([path, name], written) => {
        const before = await broken()
        server.answerWith(({ body }) => {
          const value = body[name!]
          const isNamed = typeof value === 'string' ? /[^\s_]/.test(value) : value !== undefined && value !== null
          const length = isNamed ? pythonic(value) : MOST
          if (!(length >= 0)) return Response.json({ error: { message: name } }, { status: 400 })
          // As Ollama, which takes 0 for any length.
          const output = length === 0 ? MOST : Math.min(length, MOST)
          // Fewer than the bytes of the body.
          const input = 60
          const usage = { prompt_tokens: input, completion_tokens: output, input_tokens: input, output_tokens: output }
          return Response.json({ usage, service_tier: 'priority' })
        })
        const text = `{"model":"priced","messages":[],"input":"","prompt":"","${name}":${written}}`
        expect((await server.finish('POST', path!, text)).status).toBeOneOf([200, 400])
        expect(await broken()).toBe(before)
      })
      await fc.assert(property, runs(engine === 'sqlite' ? 60 : 15))
    })

    test('are unknown where the number of answers is empty: 400 under a spend limit', async () => {
      for (const [n, name] of ['""', '" "', '"_"', '"\\t"'].flatMap((n) => [
        [n, 'n'],
        [n, 'best_of'],
      ])) {
        const { status, text } = await server.finish('POST', '/chat/completions', `{"model":"priced","${name}":${n}}`)
        expect([status, JSON.parse(text)]).toMatchObject([400, { error: { param: name } }])
      }
    })

    const reserved = async () => {
      await server.now.writeUsage()
      const rows = await server.database.read.selectFrom('deferred_requests').selectAll().execute()
      return rows.reduce((sum, { amount }) => sum + amount, 0)
    }

    test('of a batch file are those of its lines, which are read alike', async () => {
      const lines = fc.array(fc.record({ n: jsonCount, most: length, words: fc.string({ maxLength: 40 }) }), {
        minLength: 1,
        maxLength: 6,
      })
      let batches = 0
      const property = fc.asyncProperty(lines, async (lines) => {
        const id = `batch_${++batches}`
        const bodies = lines.map(
          ({ n, most, words }) =>
            `{"model":"priced","messages":[{"role":"user","content":${JSON.stringify(words)}}],"n":${n},"max_tokens":${most}}`,
        )
        const file = bodies.map(
          (body) => `{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":${body}}`,
        )
        const parsed = bodies.map((body) => JSON.parse(body) as { n: unknown; max_tokens: unknown })
        const answers = parsed.map(({ n }) => (n === null || n === true ? 1 : pythonic(n)))
        const lengths = parsed.map(({ max_tokens }) => pythonic(max_tokens))
        server.answerWith(({ path }: Received) =>
          path.startsWith('/files/')
            ? new Response(file.join('\n'))
            : Response.json({ id, object: 'batch', status: 'validating' }),
        )
        const { status } = await server.finish('POST', '/batches', {
          input_file_id: 'file',
          endpoint: '/v1/chat/completions',
        })
        // A line that the upstream could read as a number, and Keyhall cannot, is refused.
        if (status === 400) return
        expect(status).toBe(200)
        // None is left to the upstream, which would take its default.
        expect(parsed.map(({ max_tokens }) => max_tokens)).not.toContain(null)
        expect(lengths).not.toContain(0)
        const most = bodies.reduce((sum, body, n) => {
          const tokens = (lengths[n]! || 0) * Math.max(1, answers[n]! >= 0 ? answers[n]! : 0)
          return sum + Buffer.byteLength(body) * 5_000 + tokens * 10_000
        }, 0)
        await eventually(async () => (await reserved()) > 0)
        expect(await reserved()).toBeGreaterThanOrEqual(most)
        await server.database.write((sql) => sql.updateTable('deferred_requests').set({ look_at: 0 }).execute())
        server.answerWith(() =>
          Response.json({ id, status: 'completed', usage: { prompt_tokens: 1, completion_tokens: 1 } }),
        )
        await server.now.lookForResults()
        expect(await reserved()).toBe(0)
      })
      await fc.assert(property, runs(engine === 'sqlite' ? 25 : 6))
    })
  })
