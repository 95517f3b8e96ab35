/** Requests that an attacker sends and that no upstream ever gets. */
import { describe, expect, test } from 'bun:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { body, hostileGateway } from './hostile.ts'
import { ADMIN_KEY } from './setup.ts'

describe('a hostile request', () => {
  const { server, lines, post, ask } = hostileGateway()

  const form = (content: string) =>
    post('/v1/audio/transcriptions', [], content).replace('application/json', 'multipart/form-data; boundary=b')
  /** As `raw` sends it. */
  const latin1 = (bytes: Buffer) => bytes.toString('latin1')
  const bomb = Buffer.alloc(1024 * 1024, 0x20)
  const named = 'Content-Disposition: form-data; name="model"\r\n\r\nwhisper'

  const refused: Record<string, [bytes: () => string, status: number]> = {
    'a doubled Authorization': [() => post('/v1/chat/completions', [`Authorization: Bearer ${server().key}`]), 401],
    'no Authorization': [() => 'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n', 401],
    'a key in the query string': [() => post(`/v1/chat/completions?api_key=${server().key}`), 401],
    'a key for a query string': [() => post(`/v1/chat/completions?${server().key}`), 401],
    'a key for the name of a value': [() => post(`/v1/chat/completions?a[${server().key}]=1`), 401],
    'a key among other values': [() => post(`/v1/chat/completions?x=1,${server().key}`), 401],
    'a whole header in the query string': [() => post(`/v1/chat/completions?api_key=Bearer+${server().key}`), 401],
    'a key behind an escape': [() => post(`/v1/chat/completions?api_key=Bearer%20${server().key}`), 401],
    'a key in escapes': [() => post(`/v1/chat/completions?%&api_key=%73k${server().key.slice(2)}`), 401],
    'a key with its hyphens escaped': [
      () => post(`/v1/chat/completions?api_key=${server().key.replaceAll('-', '%2D')}`),
      401,
    ],
    'an empty segment': [() => post('/v1//chat/completions'), 404],
    'two slashes at the end': [() => post('/v1/chat/completions//'), 404],
    'an encoded slash': [() => post('/v1/chat%2Fcompletions'), 404],
    'an encoded slash in an id': [() => lines('GET /v1/files/..%2f..%2fadmin HTTP/1.1', []), 404],
    'an encoded backslash': [() => post('/v1/files/%5c..%5cadmin'), 404],
    'an encoded NUL': [() => post('/v1/files/a%00b'), 404],
    'a doubly encoded dot segment': [() => post('/v1/files/%252e%252e/x%2f'), 404],
    'a malformed escape': [() => post('/v1/chat/%zz'), 404],
    'a segment with parameters': [() => post('/v1/files;x=1/a'), 404],
    'administration in disguise': [() => lines('GET /v1/%6frganization/projects HTTP/1.1', []), 403],
    'administration in capitals': [() => lines('GET /v1/Organization/projects HTTP/1.1', []), 403],
    'a method that nothing has': [() => post('/v1/chat/completions').replace('POST', 'PROPFIND'), 405],
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
    'a body that is not what its encoding says': [() => post('/v1/chat/completions', ['Content-Encoding: gzip']), 400],
    'a gzip bomb': [() => post('/v1/chat/completions', ['Content-Encoding: gzip'], latin1(gzipSync(bomb))), 413],
    'a zstd bomb': [
      () => post('/v1/chat/completions', ['Content-Encoding: zstd'], latin1(zstdCompressSync(bomb))),
      413,
    ],
    'a gzip bomb whose first bytes are a whole body': [
      () => post('/v1/chat/completions', ['Content-Encoding: gzip'], latin1(gzipSync(body)) + latin1(gzipSync(bomb))),
      413,
    ],
    'a zstd frame behind a whole body': [
      () =>
        post('/v1/chat/completions', ['Content-Encoding: zstd'], latin1(zstdCompressSync(body)) + '\x28\xb5\x2f\xfd'),
      400,
    ],
    'a truncated gzip': [
      () => post('/v1/chat/completions', ['Content-Encoding: gzip'], latin1(gzipSync(body)).slice(0, -4)),
      400,
    ],
    'a truncated zstd': [
      () => post('/v1/chat/completions', ['Content-Encoding: zstd'], latin1(zstdCompressSync(body)).slice(0, -1)),
      400,
    ],
    'two models in gzip': [
      () =>
        post('/v1/chat/completions', ['Content-Encoding: gzip'], latin1(gzipSync('{"model":"tiny","model":"words"}'))),
      400,
    ],
    'gzip in gzip': [
      () => post('/v1/chat/completions', ['Content-Encoding: gzip, gzip'], latin1(gzipSync(gzipSync(body)))),
      415,
    ],
    'two encodings': [
      () =>
        post('/v1/chat/completions', ['Content-Encoding: gzip', 'Content-Encoding: identity'], latin1(gzipSync(body))),
      415,
    ],
    'an unknown encoding': [() => post('/v1/chat/completions', ['Content-Encoding: br']), 415],
    'a compressed form': [
      () =>
        post('/v1/audio/transcriptions', ['Content-Encoding: gzip'], latin1(gzipSync(bomb))).replace(
          'application/json',
          'multipart/form-data; boundary=b',
        ),
      415,
    ],
    'another content type': [() => post('/v1/chat/completions').replace('application/json', 'text/html'), 415],
    'a type that passes unread elsewhere': [
      () => post('/v1/chat/completions').replace('application/json', 'application/octet-stream'),
      415,
    ],
    'a path that takes it, in disguise': [
      () => post('/v1/realtime/x/../chat').replace('application/json', 'application/sdp'),
      415,
    ],
    'two models of a body that is not read': [
      () => post('/v1/realtime/calls?model=tiny&model=words').replace('application/json', 'application/sdp'),
      400,
    ],
    'two models without a type': [
      () =>
        post('/v1/chat/completions', [], '{"model":"tiny","model":"words"}').replace(
          'Content-Type: application/json\r\n',
          '',
        ),
      400,
    ],
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
    test(`${name} is refused with ${status} and not forwarded`, async () => {
      const { sent, ...answered } = await ask(bytes())
      expect(answered.answer).toStartWith(`HTTP/1.1 ${status} `)
      expect(sent).toEqual([])
      expect(answered.answer).not.toContain(server().key)
    })

  test('answers a request without a Host by its path, as health checks send it', async () => {
    const without = (path: string, key: string) =>
      ask([`GET ${path} HTTP/1.0`, `Authorization: Bearer ${key}`, '', ''].join('\r\n'))
    for (const path of ['/verify', '/verify?x=http://y/z', '/health', '/v1/models', '/metrics', '/openapi.json'])
      expect(await without(path, server().key)).toMatchObject({ status: 200 })
    expect(await without('/v1/organization/projects?limit=1', ADMIN_KEY)).toMatchObject({ status: 200 })
    for (const path of ['//evil.test/verify', '/nowhere?x=http://y/verify', '//v1/models'])
      expect(await without(path, server().key)).toMatchObject({ status: 404, sent: [] })
    expect(await without('/verify', 'sk-proj-nonsense')).toMatchObject({ status: 401 })
    expect((await ask('GET /verify HTTP/1.1\r\nHost:\r\n\r\n')).status).toBe(401)
  })

  test('refuses a malformed Host with a 400 in the OpenAI shape, and logs no error', async () => {
    const failed = () =>
      server()
        .log()
        .filter(({ status }) => Number(status) >= 500)
    const before = failed().length
    for (const host of ['a b', 'x?y', 'x/y', 'x#y', 'me@x', 'x\\y', 'x, y', '://x', '\xe9'])
      for (const path of ['/verify', '/health', '/v1/models', '/v1/organization/projects', '/nowhere']) {
        const { answer, sent } = await ask(
          [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${server().key}`, '', ''].join('\r\n'),
        )
        expect(answer).toStartWith('HTTP/1.1 400 ')
        expect(answer).toContain(
          '{"error":{"message":"The request must have one Host header, and it must name a host."',
        )
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

  test('refuses a body that is too large in the OpenAI shape, with or without a length', async () => {
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
      chunked('/v1/organization/projects', json, large).replace(server().key, ADMIN_KEY),
    ]) {
      const { answer, sent } = await ask(bytes)
      expect(answer).toStartWith('HTTP/1.1 413 ')
      expect(answer).toContain('"code":"request_too_large"')
      expect(sent).toEqual([])
    }
  })

  test('forwards nothing of a body whose rest never comes', async () => {
    const { sent } = await ask(post('/v1/chat/completions').slice(0, -5))
    expect(sent).toEqual([])
  })
})
