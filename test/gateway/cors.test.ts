/** Pages of other origins that call the gateway: what a real browser lets them, and what not. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { chromium, openTab, type Tab } from '../chromium.ts'
import { run, sentence } from '../cli/command.ts'
import { raw, startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

// A browser takes its time to start.
setDefaultTimeout(120_000)

const ALLOWED = 'https://app.example.com'
const yaml = (upstream: FakeUpstream) =>
  `upstreams: [{ name: one, base_url: "${upstream.url}", models: [tiny, words, headers] }]`

describe('an origin', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  let any: GatewayServer
  let none: GatewayServer
  beforeAll(async () => {
    upstream = startUpstream()
    const listed = { KEYHALL_CORS_ORIGINS: `${ALLOWED}, http://localhost:3000` }
    server = await startGateway('sqlite', yaml(upstream), listed)
    any = await startGateway('sqlite', yaml(upstream), { KEYHALL_CORS_ORIGINS: '*' })
    none = await startGateway('sqlite', yaml(upstream))
  })
  afterAll(async () => {
    await Promise.all([server.stop(), any.stop(), none.stop()])
    await upstream.stop()
  })

  const preflight = (to: GatewayServer, origin: string, headers: Record<string, string> = {}) =>
    fetch(`${to.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
        ...headers,
      },
    })
  const call = (to: GatewayServer, origin: string, key = to.key) =>
    to.request('POST', '/chat/completions', { model: 'tiny', messages: [] }, { origin, authorization: `Bearer ${key}` })

  test('that is named gets its preflight answered without a key, and without a line in the log', async () => {
    const lines = () => server.log().filter(({ method }) => method === 'OPTIONS')
    for (let n = 0; n < 200; n++) {
      const answer = await preflight(server, n % 2 ? ALLOWED : 'http://localhost:3000')
      expect(answer.status).toBe(204)
      if (n > 0) continue
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'access-control-allow-origin': 'http://localhost:3000',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'authorization,content-type,x-stainless-lang',
        'access-control-max-age': '600',
        vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      })
    }
    expect(lines()).toEqual([])
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toContain('keyhall_preflights_total{outcome="allowed"} 200')
  })

  test('that is named can read answers, errors and their headers; cookies are never allowed', async () => {
    for (const key of [server.key, 'sk-proj-wrong']) {
      const answer = await call(server, ALLOWED, key)
      expect(answer.status).toBe(key === server.key ? 200 : 401)
      expect(answer.headers.get('access-control-allow-origin')).toBe(ALLOWED)
      expect(answer.headers.get('access-control-expose-headers')).toMatch(
        /x-request-id, retry-after, .*x-ratelimit-remaining-requests/,
      )
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect(answer.headers.get('vary')).toBe('Origin')
      await answer.text()
    }
    const stream = await server.request(
      'POST',
      '/chat/completions',
      { model: 'words', stream: true },
      { origin: ALLOWED },
    )
    expect(stream.headers.get('access-control-allow-origin')).toBe(ALLOWED)
    expect(await stream.text()).toEndWith('data: [DONE]\n\n')
  })

  const hostile = [
    'null',
    'https://APP.example.com',
    'https://evil.app.example.com',
    'https://app.example.com.evil.example',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com:8443',
    'http://app.example.com',
    `${ALLOWED}, https://evil.example`,
    `${ALLOWED}, ${ALLOWED}`,
    'https://user@app.example.com',
    'file://',
    '*',
    '',
  ]
  for (const origin of hostile)
    test(`that only looks like one that is named is refused: ${origin || 'an empty one'}`, async () => {
      const answer = await preflight(server, origin)
      expect(answer.status).toBe(403)
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(await answer.json()).toMatchObject({ error: { code: 'origin_not_allowed' } })
      const called = await call(server, origin)
      expect([...called.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(called.headers.get('vary')).toBe('Origin')
    })

  test('that stands there twice is refused', async () => {
    const answer = await raw(
      server.port,
      `OPTIONS /v1/models HTTP/1.1\r\nHost: x\r\nOrigin: ${ALLOWED}\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toStartWith('HTTP/1.1 403 ')
    expect(answer.toLowerCase()).not.toContain('access-control-allow')
  })

  test('is any where the setting is a star, and none by default', async () => {
    for (const origin of ['https://somewhere.example', 'null']) {
      expect((await preflight(any, origin)).headers.get('access-control-allow-origin')).toBe('*')
      const answer = await call(any, origin)
      expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')]).toEqual(['*', null])
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect((await preflight(none, origin)).status).toBe(401)
      expect((await call(none, origin)).headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('has no say outside of the gateway, and a list of headers that is none is refused', async () => {
    for (const path of ['/v1/organization/projects', '/verify', '/health', '/metrics']) {
      const headers = { origin: ALLOWED, 'access-control-request-method': 'GET' }
      for (const method of ['OPTIONS', 'GET'])
        expect(
          (await fetch(server.url + path, { method, headers })).headers.get('access-control-allow-origin'),
        ).toBeNull()
    }
    const long = { 'access-control-request-headers': 'x'.repeat(5000) }
    expect((await preflight(server, ALLOWED, long)).status).toBe(403)
    const strange = { 'access-control-request-headers': 'a"b' }
    expect((await preflight(server, ALLOWED, strange)).status).toBe(403)
  })

  test('an upstream’s own headers about origins do not pass', async () => {
    const open = Bun.serve({
      port: 0,
      fetch: () =>
        Response.json(
          {},
          { headers: { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' } },
        ),
    })
    for (const setting of [{}, { KEYHALL_CORS_ORIGINS: ALLOWED }] as Record<string, string>[]) {
      const behind = await startGateway(
        'sqlite',
        `upstreams: [{ name: x, base_url: "${open.url}v1", models: [tiny] }]`,
        setting,
      )
      const answer = await call(behind, 'https://evil.example')
      expect(answer.status).toBe(200)
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      await behind.stop()
    }
    await open.stop(true)
  })
})

test('a setting that is no list of origins is refused, with what would be right', async () => {
  for (const [given, said] of [
    ['https://app.example.com/', '(https://app.example.com)'],
    ['https://App.example.com', '(https://app.example.com)'],
    ['app.example.com', ''],
    ['null', ''],
    ['*, https://app.example.com', ''],
    ['https://*.example.com', ''],
    ['https://app.example.com:443', '(https://app.example.com)'],
  ]) {
    const ended = await run(['serve', '--cors-origins', given!])
    expect([given, ended.code]).toEqual([given, 2])
    expect(sentence(ended)).toContain('must be origins as browsers write them, such as https://app.example.com')
    expect(sentence(ended)).toContain(said!)
  }
})

if (!chromium) console.log('NOT TESTED: pages in a browser, because there is none')

describe.skipIf(!chromium)('a page in a browser', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  let pages: Bun.Server<undefined>
  let tab: Tab
  beforeAll(async () => {
    upstream = startUpstream()
    const built = await Bun.build({
      entrypoints: [join(import.meta.dir, '../../node_modules/openai/index.mjs')],
      target: 'browser',
      format: 'esm',
    })
    const sdk = await built.outputs[0]!.text()
    pages = Bun.serve({
      port: 0,
      fetch: (request) =>
        request.url.endsWith('/openai.js')
          ? new Response(sdk, { headers: { 'content-type': 'text/javascript' } })
          : new Response('<!doctype html><title>page</title>', { headers: { 'content-type': 'text/html' } }),
    })
    const origin = `http://localhost:${pages.port}`
    server = await startGateway('sqlite', yaml(upstream), { KEYHALL_CORS_ORIGINS: origin })
    tab = await openTab(`${origin}/`)
  })
  afterAll(async () => {
    await tab.close()
    await pages.stop(true)
    await server.stop()
    await upstream.stop()
  })

  const script = (key: string) => `(async () => {
    const { default: OpenAI } = await import('/openai.js')
    const client = new OpenAI({ apiKey: '${key}', baseURL: '${server.url}/v1', maxRetries: 0, dangerouslyAllowBrowser: true })
    try {
      const { data, response } = await client.chat.completions.create({ model: 'tiny', messages: [] }).withResponse()
      const chunks = []
      for await (const { choices } of await client.chat.completions.create({ model: 'words', messages: [], stream: true }))
        chunks.push(choices[0].delta.content)
      return { model: data.model, id: response.headers.get('x-request-id'), chunks }
    } catch (error) {
      return { name: error.constructor.name, status: error.status, code: error.code, id: error.requestID }
    }
  })()`

  test('of a named origin calls with the official SDK, and reads answers, streams and errors', async () => {
    const answered = await tab.evaluate(script(server.key))
    expect(answered).toMatchObject({ model: 'tiny of one', chunks: ['Hel', 'lo.'] })
    expect(answered.id).toStartWith('req_')
    const refused = await tab.evaluate(script('sk-proj-wrong'))
    expect(refused).toMatchObject({ name: 'AuthenticationError', status: 401, code: 'invalid_api_key' })
    expect(refused.id).toStartWith('req_')
  })

  test('of another origin is kept from it by the browser, and the upstream is not asked', async () => {
    const other = await openTab(`http://127.0.0.1:${pages.port}/`)
    const before = upstream.sent.length
    expect(await other.evaluate(script(server.key))).toMatchObject({ name: 'APIConnectionError' })
    expect(upstream.sent.length).toBe(before)
    expect(other.complaints.join('\n')).toContain('CORS')
    await other.close()
  })
})
