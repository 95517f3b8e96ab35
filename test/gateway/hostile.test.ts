import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { ADMIN_KEY, raw, startGateway, until, type GatewayServer } from './setup.ts'
import { SECRET, startUpstream, type FakeUpstream } from './upstream.ts'

/** All that may stand in a request to the upstream; the last three are Bun's own. */
const mayPass = new Set(
  'accept accept-encoding authorization content-length content-type idempotency-key openai-beta traceparent tracestate user-agent connection host transfer-encoding'.split(
    ' ',
  ),
)

/** Which engine stores the keys makes no difference here. */
describe('hostile requests', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    upstream = startUpstream()
    upstream.models.push('headers')
    server = await startGateway('sqlite', null, {
      KEYHALL_UPSTREAM: upstream.url,
      KEYHALL_UPSTREAM_API_KEY: SECRET,
      KEYHALL_MAX_BODY: '64KiB',
      KEYHALL_MAX_UPLOAD: '1MiB',
    })
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
  })

  const body = '{"model":"tiny"}'
  const lines = (line: string, headers: string[], content = '') =>
    [line, 'Host: keyhall.test', `Authorization: Bearer ${server.key}`, ...headers, '', content].join('\r\n')
  const post = (path: string, headers: string[] = [], content = body) =>
    lines(
      `POST ${path} HTTP/1.1`,
      ['Content-Type: application/json', `Content-Length: ${content.length}`, ...headers],
      content,
    )

  const form = (content: string) =>
    post('/v1/audio/transcriptions', [], content).replace('application/json', 'multipart/form-data; boundary=b')
  const named = 'Content-Disposition: form-data; name="model"\r\n\r\nwhisper'

  /** The status that comes back, and what the upstream got. */
  async function ask(bytes: string) {
    const before = upstream.sent.length
    const answer = await raw(server.port, bytes, 150)
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 0), answer, sent: upstream.sent.slice(before) }
  }

  const expectOurs = ({ headers }: (typeof upstream.sent)[number]) => {
    for (const name in headers) expect(mayPass).toContain(name)
    expect(headers.authorization).toBe(`Bearer ${SECRET}`)
    expect(headers['accept-encoding']).toBe('identity')
    expect(headers.host).toBe(new URL(upstream.url).host)
  }

  test('what passes is what the caller may say, and nothing that stands beside it', async () => {
    const { status, sent } = await ask(
      post('/v1/chat/completions?a=1&b=%2F#fragment', [
        'OpenAI-Beta: assistants=v2',
        'Idempotency-Key: once',
        'User-Agent: me/1.0',
        'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'Cookie: session=1',
        'X-Forwarded-For: 10.0.0.1',
        'Forwarded: for=10.0.0.1',
        'X-Real-IP: 10.0.0.1',
        'X_Under_Score: 1',
        'Proxy-Authorization: Basic eDp5',
        'TE: trailers',
        'Expect: 100-continue',
      ]),
    )
    expect(status === 200 || status === 100).toBe(true)
    expect(sent).toHaveLength(1)
    expectOurs(sent[0]!)
    expect(sent[0]).toMatchObject({ method: 'POST', path: '/v1/chat/completions?a=1&b=%2F', body })
    expect(sent[0]!.headers).toMatchObject({
      'openai-beta': 'assistants=v2',
      'idempotency-key': 'once',
      'user-agent': 'me/1.0',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
  })

  test('a header that Connection names stays behind, but not the content type', async () => {
    const named = 'Connection: keep-alive, Idempotency-Key, User-Agent, Content-Type'
    const { status, sent } = await ask(post('/v1/chat/completions', [named, 'Idempotency-Key: once', 'User-Agent: me']))
    expect(status).toBe(200)
    expectOurs(sent[0]!)
    expect(sent[0]!.headers['idempotency-key']).toBeUndefined()
    expect(sent[0]!.headers['user-agent']).not.toBe('me')
    expect(sent[0]!.headers['content-type']).toBe('application/json')
  })

  const refused: Record<string, [bytes: () => string, status: number]> = {
    'a doubled Authorization': [() => post('/v1/chat/completions', [`Authorization: Bearer ${server.key}`]), 401],
    'no Authorization': [() => 'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n', 401],
    'a key in the query string': [() => post(`/v1/chat/completions?api_key=${server.key}`), 401],
    'a key for a query string': [() => post(`/v1/chat/completions?${server.key}`), 401],
    'a key for the name of a value': [() => post(`/v1/chat/completions?a[${server.key}]=1`), 401],
    'a key among other values': [() => post(`/v1/chat/completions?x=1,${server.key}`), 401],
    'a whole header in the query string': [() => post(`/v1/chat/completions?api_key=Bearer+${server.key}`), 401],
    'a key behind an escape': [() => post(`/v1/chat/completions?api_key=Bearer%20${server.key}`), 401],
    'a key in escapes': [() => post(`/v1/chat/completions?%&api_key=%73k${server.key.slice(2)}`), 401],
    'a key with its hyphens escaped': [
      () => post(`/v1/chat/completions?api_key=${server.key.replaceAll('-', '%2D')}`),
      401,
    ],
    'an empty segment': [() => post('/v1//chat/completions'), 404],
    'a slash at the end': [() => post('/v1/chat/completions/'), 404],
    'an encoded slash': [() => post('/v1/chat%2Fcompletions'), 404],
    'an encoded slash in an id': [() => lines('GET /v1/files/..%2f..%2fadmin HTTP/1.1', []), 404],
    'an encoded backslash': [() => post('/v1/files/%5c..%5cadmin'), 404],
    'an encoded NUL': [() => post('/v1/files/a%00b'), 404],
    'a doubly encoded dot segment': [() => post('/v1/files/%252e%252e/x%2f'), 404],
    'a malformed escape': [() => post('/v1/chat/%zz'), 404],
    'a segment with parameters': [() => post('/v1/files;x=1/a'), 404],
    'administration in disguise': [() => lines('GET /v1/%6frganization/projects HTTP/1.1', []), 403],
    'administration in capitals': [() => lines('GET /v1/Organization/projects HTTP/1.1', []), 403],
    'a method that nothing has': [() => post('/v1/chat/completions').replace('POST', 'PATCH'), 405],
    'no JSON': [() => post('/v1/chat/completions', [], 'model=tiny'), 400],
    'JSON in UTF-16': [() => post('/v1/chat/completions', [], body.replaceAll(/./g, '$&\0')), 400],
    'two models': [() => post('/v1/chat/completions', [], '{"model":"tiny","model":"words"}'), 400],
    'two models, one escaped': [() => post('/v1/chat/completions', [], '{"model":"tiny","mod\\u0065l":"words"}'), 400],
    'a model that is no text': [() => post('/v1/chat/completions', [], '{"model":["tiny"]}'), 400],
    'a model that is too long': [() => post('/v1/chat/completions', [], `{"model":"${'x'.repeat(1025)}"}`), 400],
    'a body that is too deep': [
      () => post('/v1/chat/completions', [], `{"a":${'['.repeat(200)}${']'.repeat(200)}}`),
      400,
    ],
    'a body that does not end': [() => post('/v1/chat/completions', [], '{"model":"tiny"'), 400],
    'a body that is too large': [
      () => post('/v1/chat/completions', [], `{"model":"tiny","a":"${'x'.repeat(70_000)}"}`),
      413,
    ],
    'a form that is too large': [
      () =>
        lines('POST /v1/files HTTP/1.1', ['Content-Type: multipart/form-data; boundary=b', 'Content-Length: 2000000']),
      413,
    ],
    'two models in a form': [() => form(`--b\r\n${named}\r\n--b\r\n${named}\r\n--b--\r\n`), 400],
    'a delimiter with more behind it': [() => form(`--b\r\n${named}\r\n--bb\r\n${named}\r\n--b--\r\n`), 400],
    'a form without a boundary': [() => post('/v1/files').replace('application/json', 'multipart/form-data'), 400],
    'a form that begins with something else': [
      () => post('/v1/files').replace('application/json', 'multipart/form-data; boundary=b'),
      400,
    ],
    'a compressed body': [() => post('/v1/chat/completions', ['Content-Encoding: gzip']), 415],
    'another content type': [() => post('/v1/chat/completions').replace('application/json', 'text/plain'), 415],
    'two content types': [() => post('/v1/chat/completions', ['Content-Type: multipart/form-data; boundary=b']), 415],
    'another organization': [() => post('/v1/chat/completions', ['OpenAI-Organization: org-other']), 401],
    'another project': [() => post('/v1/chat/completions', ['OpenAI-Project: proj_other']), 401],
    'a huge header': [() => post('/v1/chat/completions', [`X-Big: ${'x'.repeat(100_000)}`]), 431],
    'two lengths': [() => post('/v1/chat/completions', ['Content-Length: 3']), 400],
    'a length and chunks': [() => post('/v1/chat/completions', ['Transfer-Encoding: chunked']), 400],
    'a header without a name': [() => post('/v1/chat/completions', [': x']), 400],
    'a tunnel': [() => lines('CONNECT evil.test:443 HTTP/1.1', []), 404],
  }
  for (const [name, [bytes, status]] of Object.entries(refused))
    test(`${name} is refused with ${status}, and the upstream hears nothing`, async () => {
      const { sent, ...answered } = await ask(bytes())
      expect(answered.answer).toStartWith(`HTTP/1.1 ${status} `)
      expect(sent).toEqual([])
      expect(answered.answer).not.toContain(server.key)
    })

  test('a request without a host is answered by its path, as health checks send it', async () => {
    const without = (path: string, key: string) =>
      ask([`GET ${path} HTTP/1.0`, `Authorization: Bearer ${key}`, '', ''].join('\r\n'))
    for (const path of ['/verify', '/verify?x=http://y/z', '/health', '/v1/models', '/metrics', '/openapi.json'])
      expect(await without(path, server.key)).toMatchObject({ status: 200 })
    expect(await without('/v1/organization/projects?limit=1', ADMIN_KEY)).toMatchObject({ status: 200 })
    for (const path of ['//evil.test/verify', '/nowhere?x=http://y/verify', '//v1/models'])
      expect(await without(path, server.key)).toMatchObject({ status: 404, sent: [] })
    expect(await without('/verify', 'sk-proj-nonsense')).toMatchObject({ status: 401 })
    expect((await ask('GET /verify HTTP/1.1\r\nHost:\r\n\r\n')).status).toBe(401)
  })

  test('a Host that is none is refused with 400 in the shape of OpenAI, and is nobody’s error', async () => {
    const failed = () => server.log().filter(({ status }) => Number(status) >= 500)
    const before = failed().length
    for (const host of ['a b', 'x?y', 'x/y', 'x#y', 'me@x', 'x\\y', 'x, y', '://x', '\xe9'])
      for (const path of ['/verify', '/health', '/v1/models', '/v1/organization/projects', '/nowhere']) {
        const { answer, sent } = await ask(
          [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${server.key}`, '', ''].join('\r\n'),
        )
        expect(answer).toStartWith('HTTP/1.1 400 ')
        expect(answer).toContain('{"error":{"message":"The Host header of the request names no host."')
        expect(answer).toMatch(/x-request-id: req_/i)
        expect(sent).toEqual([])
      }
    // Bun makes a URL of these, though not one that it could read again.
    for (const host of ['[x', 'x:99999', 'x%2fy'])
      for (const path of ['/verify', '/v1/nowhere', '/v1/organization/nowhere', '/nowhere', '/v1/organization/usage/x'])
        expect((await ask(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`)).status).toBeOneOf([
          401, 404,
        ])
    expect(failed()).toHaveLength(before)
  }, 60_000)

  test('an absolute target and a wrong Host lead nowhere but to the upstream', async () => {
    for (const target of ['http://evil.test/v1/chat/completions', 'http://evil.test:1/v1/x/../chat/completions']) {
      const { status, sent } = await ask(post(target, ['X-Forwarded-Host: evil.test']))
      expect(status).toBe(200)
      expect(sent[0]!.path).toBe('/v1/chat/completions')
      expectOurs(sent[0]!)
    }
  })

  test('a key where a model belongs stands neither in the log nor in the answer', async () => {
    for (const before of ['', 'x'.repeat(110)]) {
      const model = before + server.key
      const posted = await ask(post('/v1/chat/completions', [], JSON.stringify({ model })))
      const asked = await ask(lines(`GET /v1/models/${model} HTTP/1.1`, []))
      expect(asked.status).toBe(404)
      for (const { answer } of [posted, asked]) expect(answer).not.toContain(server.key.slice(0, 20))
    }
    await until(() => server.log().filter(({ model }) => String(model).includes('sk-svcacct-***')).length === 2)
    expect(JSON.stringify(server.log())).not.toContain(server.key.slice(0, 20))
  })

  test('what is too large is refused in the shape of OpenAI, announced or not', async () => {
    const large = 'x'.repeat(1_200_000)
    const chunked = (path: string, type: string, content: string) =>
      lines(
        `POST ${path} HTTP/1.1`,
        [`Content-Type: ${type}`, 'Transfer-Encoding: chunked'],
        `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`,
      )
    const announced = (path: string, type: string, length: number) =>
      lines(`POST ${path} HTTP/1.1`, [`Content-Type: ${type}`, `Content-Length: ${length}`])
    const json = 'application/json'
    const form = 'multipart/form-data; boundary=b'
    const part = `--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${large}`
    for (const bytes of [
      chunked('/v1/chat/completions', json, `{"a":"${large}"}`),
      chunked('/v1/files', form, part),
      announced('/v1/chat/completions', json, 1_200_000),
      announced('/v1/files', form, 1_200_000),
      announced('/v1/files', form, 5_000_000_000),
      chunked('/v1/organization/projects', json, large).replace(server.key, ADMIN_KEY),
    ]) {
      const { answer, sent } = await ask(bytes)
      expect(answer).toStartWith('HTTP/1.1 413 ')
      expect(answer).toContain('"code":"request_too_large"')
      expect(sent).toEqual([])
    }
  })

  test('a body whose rest never comes reaches nobody', async () => {
    const { sent } = await ask(post('/v1/chat/completions').slice(0, -5))
    expect(sent).toEqual([])
  })

  test('an answer shows nothing of the upstream’s account', async () => {
    const { headers } = await server.request('POST', '/chat/completions', { model: 'headers' })
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('openai-organization')).toBe(server.organization_id)
    expect(headers.get('openai-project')).toBe(server.project_id)
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('server')).toBeNull()
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('9')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('300 generated headers: nothing but the allow-list passes', async () => {
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/),
      fc.constantFrom(
        ...'Cookie Forwarded X-Forwarded-For X-Api-Key Api-Key Proxy-Connection Via Origin Referer Range'.split(' '),
      ),
      fc.constantFrom('OpenAI-Beta', 'Accept', 'User-Agent', 'tracestate', 'X-Stainless-Lang', 'Upgrade', 'Keep-Alive'),
    )
    const framing =
      /^(host|authorization|content-length|content-type|content-encoding|transfer-encoding|connection|expect|upgrade|openai-organization|openai-project)$/i
    const header = fc.tuple(
      name.filter((one) => !framing.test(one)),
      fc.stringMatching(/^[!-~]{1,40}$/),
    )
    let seen = 0
    await fc.assert(
      fc.asyncProperty(fc.array(header, { minLength: 1, maxLength: 8 }), fc.boolean(), async (headers, hop) => {
        const list = headers.map(([name, value]) => `${name}: ${value}`)
        const hopped = hop ? [`Connection: ${headers[0]![0]}`] : []
        const before = upstream.sent.length
        const answer = await raw(
          server.port,
          post('/v1/chat/completions', [...list, ...hopped, 'Connection: close']),
          1000,
        )
        expect(answer).toStartWith('HTTP/1.1 200 ')
        await until(() => upstream.sent.length > before)
        expectOurs(upstream.sent.at(-1)!)
        if (hop && headers[0]![0].toLowerCase() !== 'accept')
          expect(upstream.sent.at(-1)!.headers[headers[0]![0].toLowerCase()] ?? 'keyhall').not.toBe(headers[0]![1])
        seen++
      }),
      { numRuns: 300, seed: 4 },
    )
    expect(seen).toBeGreaterThanOrEqual(300)
  }, 60_000)
})
