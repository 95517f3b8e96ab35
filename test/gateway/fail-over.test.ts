/**
 * Answers that send a request on to the next upstream, and the rest that an upstream then takes.
 */
import { afterEach, describe, expect, test } from 'bun:test'
import { restOf } from '../../gateway/fail-over.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered } from './metered.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { startRawUpstream } from './upstream.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

interface Scripted {
  url: string
  /** The headers of what it was sent, but for its models. */
  asked: Record<string, string>[]
  answer: () => Response
}

function scripted(answer: () => Response): Scripted {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      if (request.url.endsWith('/models')) return Response.json({ data: [{ id: 'tiny' }] })
      await request.text()
      one.asked.push(Object.fromEntries(request.headers))
      return one.answer()
    },
  })
  const one: Scripted = { url: `${server.url}v1`, asked: [], answer }
  stops.push(() => server.stop(true))
  return one
}

const completion = () =>
  Response.json({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'tiny', choices: [] })
const refusing =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    Response.json({ error: { message: `refused with ${status}`, code: 'busy' } }, { status, headers })

/** The first is asked before the second unless it rests. */
async function start(first: () => Response, second: () => Response = completion, more = '') {
  const [one, two] = [scripted(first), scripted(second)]
  const server: GatewayServer = await startGateway(
    'sqlite',
    `
upstreams:
  - { name: one, base_url: "${one.url}", models: [tiny], weight: 1000${more} }
  - { name: two, base_url: "${two.url}", models: [tiny], weight: 0${more} }
`,
  )
  stops.push(server.stop)
  const post = (headers: Record<string, string> = {}) =>
    server.request('POST', '/chat/completions', { model: 'tiny', messages: [] }, headers)
  const create = () => server.client().chat.completions.create({ model: 'tiny', messages: [] })
  return { server, one, two, post, create }
}

describe('a refusal before the first byte', () => {
  for (const status of [401, 429, 500, 503, 529])
    test(`${status} sends the request on, and the caller notices nothing`, async () => {
      const { one, two, create, server } = await start(refusing(status))
      expect((await create()).model).toBe('tiny')
      expect([one.asked.length, two.asked.length]).toEqual([1, 1])
      const logged = () => server.log().find(({ upstream }) => upstream === 'two')
      await until(() => logged() !== undefined)
      expect(String((logged()!.failed_attempts as string[])[0])).toStartWith(`upstream "one" answered ${status}`)
    })

  for (const status of [400, 403, 404, 422])
    test(`${status} does not: the next one would say the same`, async () => {
      const { two, post } = await start(refusing(status))
      expect((await post()).status).toBe(status === 403 ? 502 : status)
      expect(two.asked).toEqual([])
    })

  for (const status of [502, 504, 520, 524])
    test(`${status} does so only where the request may run twice: a proxy says it of a server at work`, async () => {
      const { one, two, post } = await start(refusing(status))
      expect((await post()).status).toBe(status)
      expect(two.asked).toEqual([])
      one.asked.length = 0
      expect((await post({ 'idempotency-key': 'once' })).status).toBe(200)
      expect([one.asked.length, two.asked.length]).toEqual([1, 1])
    })

  test('the file says which statuses do', async () => {
    const { one, two, post } = await start(refusing(502), completion, ', fail_over_on: [418, 502]')
    expect((await post()).status).toBe(200)
    expect([one.asked.length, two.asked.length]).toEqual([1, 1])
    one.answer = refusing(429)
    two.answer = refusing(429)
    expect((await post()).status).toBe(429)
    expect([one.asked.length, two.asked.length]).toEqual([1, 2])
  })

  test('an empty list turns it off', async () => {
    const { two, post } = await start(refusing(429), completion, ', fail_over_on: []')
    expect((await post()).status).toBe(429)
    expect(two.asked).toEqual([])
  })

  test('when all refuse, the last answer is passed on with its retry-after', async () => {
    const { one, two, post } = await start(refusing(500), refusing(429, { 'retry-after': '7' }))
    const answer = await post()
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await answer.json()).toEqual({ error: { message: 'refused with 429', code: 'busy' } })
    expect([one.asked.length, two.asked.length]).toEqual([1, 1])
  })

  test('an answer about our own key is not passed on: the last other one is, or a 502', async () => {
    const { one, post } = await start(refusing(429, { 'retry-after': '9' }), refusing(401))
    const answer = await post()
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '9'])
    expect(await answer.text()).toContain('refused with 429')
    one.answer = refusing(401)
    const refused = await post()
    expect([refused.status, await refused.json()]).toMatchObject([502, { error: { code: 'bad_upstream' } }])
  })

  test('a refusal is passed on where the next upstream cannot be reached', async () => {
    const one = scripted(refusing(503, { 'retry-after': '3' }))
    const server = await startGateway(
      'sqlite',
      `
upstreams:
  - { name: one, base_url: "${one.url}", models: [tiny], weight: 1000 }
  - { name: dead, base_url: "http://127.0.0.1:1/v1", models: [tiny], weight: 0 }
`,
    )
    stops.push(server.stop)
    const answer = await server.request('POST', '/chat/completions', { model: 'tiny' })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3'])
    expect(await answer.text()).toContain('refused with 503')
  })
})

test('after a refusal the next upstream has the request: where that one falls silent, the answer is a 504', async () => {
  const one = scripted(refusing(503))
  const two = scripted(completion)
  const silent = await startRawUpstream(null, 'hang')
  stops.push(silent.stop)
  const server = await startGateway(
    'sqlite',
    `
upstreams:
  - { name: one, base_url: "${one.url}", models: [tiny], weight: 1000 }
  - { name: silent, base_url: "${silent.url}", models: [tiny], weight: 1, timeouts: { first_byte: 0.3 } }
  - { name: two, base_url: "${two.url}", models: [tiny], weight: 0 }
`,
  )
  stops.push(server.stop)
  expect((await server.request('POST', '/chat/completions', { model: 'tiny' })).status).toBe(504)
  expect(silent.heard.join('')).toContain('POST /v1/chat/completions')
  expect(two.asked).toEqual([])
})

describe('an upstream that refused', () => {
  test('rests: the next requests are not sent to it', async () => {
    const { one, two, create } = await start(refusing(429, { 'retry-after': '600' }))
    for (let n = 0; n < 20; n++) await create()
    expect([one.asked.length, two.asked.length]).toEqual([1, 20])
  })

  test('is asked again when its rest is over, or when no other answers', async () => {
    const { one, two, create } = await start(refusing(429, { 'retry-after': '1' }))
    await create()
    one.answer = completion
    while (one.asked.length < 2) {
      await create()
      await Bun.sleep(50)
    }
    one.answer = refusing(429, { 'retry-after': '600' })
    two.answer = refusing(429, { 'retry-after': '30' })
    const asked = [one.asked.length, two.asked.length]
    await create().catch(() => {})
    await create().catch(() => {})
    expect([one.asked.length - asked[0]!, two.asked.length - asked[1]!]).toEqual([2, 2])
  })

  test('rests longer each time, and as long as it asks, within bounds', () => {
    const now = Date.parse('2026-11-27T00:00:00Z')
    const rest = (failures: number, headers?: Record<string, string>) =>
      restOf(failures, headers ? new Headers(headers) : null, now)
    expect([1, 2, 3, 4, 5, 1000].map((failures) => rest(failures))).toEqual([
      5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
    ])
    expect(rest(4, { 'retry-after': '7' })).toBe(7_000)
    expect(rest(1, { 'retry-after': '0' })).toBe(1_000)
    expect(rest(1, { 'retry-after': '86400' })).toBe(60_000)
    expect(rest(1, { 'retry-after-ms': '2500', 'retry-after': '9' })).toBe(2_500)
    expect(rest(1, { 'retry-after': 'Fri, 27 Nov 2026 00:00:20 GMT' })).toBe(20_000)
    for (const wrong of ['soon', '-5', '1e9', ''])
      expect([wrong, rest(2, { 'retry-after': wrong })]).toEqual([wrong, 10_000])
  })
})

describe('headers', () => {
  const sent = {
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'tools-2024',
    'x-session-id': 's1',
    'x-session-affinity': 's2',
    session_id: 's3',
    conversation_id: 's4',
    'x-team': 'red',
    cookie: 'a=b',
    'x-forwarded-for': '10.0.0.1',
  }

  test('of a session and of Anthropic pass, and those that the file names; no others', async () => {
    const { one, post } = await start(completion, completion, ', headers: [X-Team]')
    await post(sent)
    const { cookie: _, 'x-forwarded-for': __, ...passed } = sent
    expect(one.asked[0]).toMatchObject(passed)
    expect(one.asked[0]).not.toContainAnyKeys(['cookie', 'x-forwarded-for'])
    const other = await start(completion)
    await other.post(sent)
    expect(other.one.asked[0]).not.toContainKey('x-team')
  })

  test('the id of the upstream’s answer goes to the log, not to the caller', async () => {
    const { server, post } = await start(() =>
      Response.json({}, { headers: { 'x-request-id': `req_up_${'x'.repeat(500)}` } }),
    )
    const answer = await post()
    expect(answer.headers.get('x-request-id')).toStartWith('req_')
    expect(answer.headers.get('x-request-id')).not.toContain('req_up_')
    const logged = () => server.log().find(({ upstream }) => upstream === 'one')
    await until(() => logged() !== undefined)
    expect(logged()!.upstream_request_id).toBe(`req_up_${'x'.repeat(121)}`)
  })
})

for (const engine of engines)
  describe(`a request that three upstreams are asked for (${engine})`, () => {
    test(
      'is one request for limits and reports',
      async () => {
        const server = await startMetered(
          engine,
          [{ match: '*', prices: [{ input: 1_000_000, output: 1_000_000 }], max_output_tokens: 10 }],
          { upstreams: ['one', 'two', 'three'] },
        )
        stops.push(server.stop)
        const most = 3
        const { rateLimits } = server.client.admin.organization.projects
        const { data } = await rateLimits.listRateLimits(server.project_id)
        const row = data.find(({ model }) => model === '*')!
        await rateLimits.updateRateLimit(row.id, {
          project_id: server.project_id,
          max_requests_per_1_minute: most,
        })
        const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
        for (let n = 0; n < most; n++) {
          let asked = 0
          server.answerWith(() =>
            asked++ < 2
              ? Response.json({ error: { message: 'busy' }, usage }, { status: n === 0 ? 429 : 503 })
              : Response.json({ id: 'x', choices: [], usage }),
          )
          const body = { model: 'tiny', messages: [], max_tokens: 10 }
          expect((await server.finish('POST', '/chat/completions', body)).status).toBe(200)
        }
        expect(server.received).toHaveLength(3 * most)
        expect((await server.finish('POST', '/chat/completions', { model: 'tiny' })).status).toBe(429)
        expect(server.received).toHaveLength(3 * most)
        expect(await server.counted('completions', 'tiny')).toMatchObject({
          num_model_requests: 3,
          input_tokens: 9,
          output_tokens: 6,
        })
      },
      START_MILLISECONDS,
    )
  })
