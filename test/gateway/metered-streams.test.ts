/**
 * Streams and their usage: the client sees what the upstream sent but for the chunk that it did not
 * ask for. Which engine keeps the counts makes no difference here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { RefusedMembers } from '../../gateway/meter/refused-members.ts'
import { START_MILLISECONDS } from '../setup.ts'
import { delta, eventually, events, startMetered, streamOf, type MeteredServer } from './metered.ts'

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const usageChunk = { ...delta(''), choices: [], usage }
const done = 'data: [DONE]\n\n'
const messages = [{ role: 'user' as const, content: 'Hello?' }]

const warnings: string[] = []
let server: MeteredServer
beforeAll(async () => {
  server = await startMetered('sqlite', [], {
    upstreams: ['one', 'two'],
    warn: (sentence, about) => warnings.push(`${sentence} ${JSON.stringify(about)}`),
  })
}, START_MILLISECONDS)
afterAll(() => server.stop())

const stream = (model: string, more: object = {}) =>
  server.finish('POST', '/chat/completions', { model, messages, stream: true, ...more })
const counted = async (model: string) => {
  const { input_tokens, output_tokens, num_model_requests } = await server.counted('completions', model)
  return [input_tokens, output_tokens, num_model_requests]
}

describe('a stream through the official SDK', () => {
  for (const include_usage of [true, false, undefined])
    test(`has the usage chunk only if it is asked for: include_usage ${include_usage}`, async () => {
      server.answerWith(() => streamOf([events(delta('Hel'), delta('lo.'), usageChunk, done)]))
      const model = `sdk-${include_usage}`
      const answer = await server.sdk.chat.completions.create({
        model,
        messages,
        stream: true,
        ...(include_usage !== undefined && { stream_options: { include_usage } }),
      })
      const seen = []
      for await (const chunk of answer) seen.push(chunk)
      const all = [delta('Hel'), delta('lo.'), usageChunk]
      expect(seen).toEqual((include_usage ? all : all.slice(0, 2)) as never)
      expect(server.received.at(-1)!.body.stream_options).toEqual({ include_usage: true })
      expect(await counted(model)).toEqual([7, 3, 1])
    })

  test('is the same byte for byte wherever it is cut in two, with comments, CRLF and null', async () => {
    const before = `: hello\n\ndata: ${JSON.stringify({ ...delta('Hé'), usage: null })}\r\n\r\nid: 1\nevent: x\ndata: ${JSON.stringify(delta('👋'))}\n\n`
    const chunk = `data: {"choices":[],\ndata: "usage" : ${JSON.stringify(usage)}}\r\n\r\n`
    const after = `: bye\r\n\r\n${done}`
    const bytes = Buffer.from(before + chunk + after)
    for (let cut = 1; cut < bytes.length; cut++) {
      server.answerWith(() => streamOf([bytes.subarray(0, cut), bytes.subarray(cut)]))
      const { text } = await stream('cut')
      if (text !== before + after) throw new Error(`cut at ${cut}: ${text}`)
    }
    expect(await counted('cut')).toEqual([7 * (bytes.length - 1), 3 * (bytes.length - 1), bytes.length - 1])
  })

  test('has no chunk that it did not ask for, also where the upstream knew the length beforehand', async () => {
    const sent = events(delta('Hello.'), usageChunk, done)
    const headers = { 'content-type': 'text/event-stream', 'content-length': String(Buffer.byteLength(sent)) }
    server.answerWith(() => new Response(sent, { headers }))
    expect((await stream('buffered')).text).toBe(events(delta('Hello.'), done))
    expect(await counted('buffered')).toEqual([7, 3, 1])
  })

  test('keeps a chunk with usage that has something of the answer in it, and events above 64 KiB', async () => {
    const long = events({ ...delta('x'.repeat(100_000)), usage: null })
    const both = events({ ...delta('!'), usage })
    server.answerWith(() => streamOf([long, both, done]))
    expect((await stream('both')).text).toBe(long + both + done)
    expect(await counted('both')).toEqual([7, 3, 1])
  })
})

describe('usage of a stream', () => {
  const withUsage = (usage: unknown) => events(delta('Hi'), { ...usageChunk, usage }, done)
  const cases: Record<string, [sent: string, counts: [input: unknown, output: unknown]]> = {
    'twice, of which the last counts': [
      events({ ...delta('Hi'), usage: { prompt_tokens: 7, completion_tokens: 1 } }, usageChunk, done),
      [7, 3],
    ],
    zero: [withUsage({ prompt_tokens: 0, completion_tokens: 0 }), [0, 0]],
    'without [DONE]': [events(delta('Hi'), usageChunk), [7, 3]],
    'without its empty line': [events(delta('Hi'), usageChunk).trimEnd(), [7, 3]],
    huge: [withUsage({ prompt_tokens: 1e300, completion_tokens: 3 }), [0, 3]],
    negative: [withUsage({ prompt_tokens: 7, completion_tokens: -3 }), [7, 0]],
    broken: [withUsage({ prompt_tokens: 7.5, completion_tokens: 3 }), [0, 3]],
    text: [withUsage({ prompt_tokens: '7', completion_tokens: '3' }), [0, 0]],
    'with more cached than sent': [withUsage({ ...usage, prompt_tokens_details: { cached_tokens: 100 } }), [7, 3]],
    none: [events(delta('Hi'), done), [14, 2]],
    null: [withUsage(null), [14, 2]],
    empty: [withUsage({}), [14, 2]],
    'that is no object': [withUsage('much'), [14, 2]],
  }
  for (const [name, [sent, [input, output]]] of Object.entries(cases))
    test(name, async () => {
      server.answerWith(() => streamOf([sent]))
      await stream(name)
      // What nobody reports is estimated: half as many tokens again for a model that nobody knows.
      expect(await counted(name)).toEqual([input, output, 1] as never)
      const isImpossible = ['huge', 'negative', 'broken', 'text'].includes(name)
      expect(
        warnings.filter((warning) => warning.includes(`"${name}"`) && warning.includes('impossible')),
      ).toHaveLength(isImpossible ? 1 : 0)
    })

  test('the log says which numbers of which upstream and model are impossible', () => {
    expect(warnings.find((warning) => warning.includes('"text"') && warning.includes('impossible'))).toMatch(
      /{"upstream":"(one|two)","model":"text","members":"prompt_tokens, completion_tokens"}/,
    )
  })
})

describe('stream_options', () => {
  const asked = (from: number) => server.received.slice(from).map(({ body }) => body.stream_options ?? null)

  test('are added to the body and nothing else is changed', async () => {
    server.answerWith(() => streamOf([done]))
    for (const [sent, forwarded] of [
      ['{ "stream" : true, "model":"b" }', '{ "stream" : true, "model":"b" ,"stream_options":{"include_usage":true}}'],
      [
        '{"str\\u0065am":true,"model":"b","x":"\\ud83d"}',
        '{"str\\u0065am":true,"model":"b","x":"\\ud83d","stream_options":{"include_usage":true}}',
      ],
      [
        '{"stream_options":{"include_usage":false,"a":1},"model":"b","stream":true}',
        '{"stream_options":{"include_usage":true,"a":1},"model":"b","stream":true}',
      ],
      [
        '{"stream_options": null ,"model":"b","stream":true}',
        '{"stream_options": {"include_usage":true} ,"model":"b","stream":true}',
      ],
      ['{"stream_options":[],"model":"b","stream":true}', '{"stream_options":[],"model":"b","stream":true}'],
      ['{"model":"b","stream":false}', '{"model":"b","stream":false}'],
      ['{"model":"b"}', '{"model":"b"}'],
    ] as const) {
      await server.finish('POST', '/chat/completions', sent)
      expect(server.received.at(-1)!.text).toBe(forwarded)
    }
    const twice = '{"model":"b","stream":true,"stream_options":{},"stream\\u005foptions":{}}'
    expect((await server.finish('POST', '/chat/completions', twice)).status).toBe(400)
  })

  test('that an upstream refuses are left away at once, and from then on, and the answer is counted', async () => {
    server.answerWith(({ body }) =>
      body.stream_options
        ? Response.json({ error: { message: 'Unknown parameter: stream_options' } }, { status: 400 })
        : streamOf([events(delta('Hi'), done)]),
    )
    const from = server.received.length
    for (let n = 0; n < 3; n++) expect((await stream('refuses')).text).toBe(events(delta('Hi'), done))
    // Two upstreams take turns: each is asked for itself.
    expect(asked(from)).toEqual([{ include_usage: true }, null, { include_usage: true }, null, null])
    await eventually(async () => (await counted('refuses'))[2] === 3)
    expect(await counted('refuses')).toEqual([42, 6, 3])
    // Another model is asked anew.
    await stream('refuses-too')
    expect(asked(from + 5)).toEqual([{ include_usage: true }, null])
  })

  test('are left away beside a maximum that is refused too', async () => {
    const limited = await startMetered('sqlite', [
      { match: '*', prices: [{ input: 1 }], context_tokens: 2048, max_output_tokens: 64 },
    ])
    try {
      await limited.client.admin.organization.projects.spendLimit.update(limited.project_id, {
        threshold_amount: 100_000,
        currency: 'USD',
        interval: 'month',
      })
      const refuse = (message: string) => Response.json({ error: { message } }, { status: 400 })
      limited.answerWith(({ body }) =>
        body.stream_options
          ? refuse('Unknown parameter: stream_options')
          : body.max_tokens
            ? refuse("Use 'max_completion_tokens' instead of 'max_tokens'.")
            : streamOf([events(delta('Hi'), done)]),
      )
      const body = { model: 'both', stream: true, messages: [] }
      const { status } = await limited.finish('POST', '/chat/completions', body)
      expect([status, limited.received.length]).toEqual([200, 3])
    } finally {
      await limited.stop()
    }
  })

  test('are left away once where an upstream may only quote the client, and the next request has them', async () => {
    server.answerWith(({ body }) =>
      body.stream_options
        ? Response.json({ error: { message: 'stream_options?' } }, { status: 400 })
        : streamOf([events(delta('Hi'), done)]),
    )
    const from = server.received.length
    const messages = [{ role: 'user', content: 'What are stream_options?' }]
    for (let n = 0; n < 2; n++) expect((await stream('quotes', { messages })).status).toBe(200)
    expect(asked(from)).toEqual([{ include_usage: true }, null, { include_usage: true }, null])
    server.answerWith(() => Response.json({ error: { message: "no role 'stream_options'" } }, { status: 400 }))
    expect((await stream('quotes', { messages })).status).toBe(400)
  })

  test('are not to blame for another refusal, which passes as it is, however long', async () => {
    for (const message of ['Unknown parameter: tools', `${'x'.repeat(100_000)} stream_options`]) {
      const body = JSON.stringify({ error: { message } })
      server.answerWith(() => new Response(body, { status: 400, headers: { 'content-type': 'application/json' } }))
      const from = server.received.length
      const { status, text } = await stream('other')
      expect([status, text === body, asked(from).length]).toEqual([400, true, 1])
    }
  })

  test('of the client are refused to the client', async () => {
    const refusal = { error: { message: 'stream_options is not supported', param: 'stream_options' } }
    server.answerWith(() => Response.json(refusal, { status: 422 }))
    const from = server.received.length
    const { status, text } = await stream('own', { stream_options: { include_usage: false } })
    expect([status, JSON.parse(text)]).toEqual([422, refusal])
    expect(asked(from)).toEqual([{ include_usage: true }, { include_usage: false }])
  })

  test('are tried again after ten minutes', () => {
    let now = 0
    const refused = new RefusedMembers({ steady: () => now })
    refused.add('member', 'one', 'model')
    now = 599_999
    const asked: [string, string, string][] = [
      ['member', 'one', 'model'],
      ['member', 'two', 'model'],
      ['member', 'one', 'other'],
      ['other', 'one', 'model'],
    ]
    expect(asked.map((one) => refused.has(...one))).toEqual([true, false, false, false])
    now = 600_000
    expect(refused.has('member', 'one', 'model')).toBe(false)
  })
})

describe('an upstream whose account has no money left', () => {
  const exhausted = () =>
    Response.json(
      { error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'quota' } },
      { status: 429 },
    )

  test('is passed over, and does not look like the spend limit of the project', async () => {
    server.answerWith(exhausted)
    const from = server.received.length
    const { status, text, headers } = await server.finish('POST', '/chat/completions', { model: 'poor', messages })
    expect(status).toBe(502)
    expect(JSON.parse(text).error.code).toBe('bad_upstream')
    expect(text + JSON.stringify([...headers])).not.toContain('quota')
    expect(server.received.slice(from)).toHaveLength(2)
    await server.now.writeUsage()
    expect(await server.used('completions', 'poor')).toBeUndefined()
  })

  test('any other 429 passes, with the body that it has', async () => {
    const body = JSON.stringify({ error: { code: 'rate_limit_exceeded', message: 'Slow down' } })
    server.answerWith(() => new Response(body, { status: 429, headers: { 'retry-after': '7' } }))
    const answer = await server.finish('POST', '/chat/completions', { model: 'busy', messages })
    expect([answer.status, answer.text, answer.headers.get('retry-after')]).toEqual([429, body, '7'])
  })
})
