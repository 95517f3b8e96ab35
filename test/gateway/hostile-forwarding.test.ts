/** What an upstream gets of a hostile request, and what its caller gets back. */
import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { body, hostileGateway } from './hostile.ts'
import { raw, until } from './setup.ts'

describe('the gateway', () => {
  const { server, upstream, lines, post, ask, expectOurs } = hostileGateway()

  test('passes on the allowed headers and no others', async () => {
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

  test('drops a header that Connection names, but keeps the content type', async () => {
    const named = 'Connection: keep-alive, Idempotency-Key, User-Agent, Content-Type'
    const { status, sent } = await ask(post('/v1/chat/completions', [named, 'Idempotency-Key: once', 'User-Agent: me']))
    expect(status).toBe(200)
    expectOurs(sent[0]!)
    expect(sent[0]!.headers['idempotency-key']).toBeUndefined()
    expect(sent[0]!.headers['user-agent']).not.toBe('me')
    expect(sent[0]!.headers['content-type']).toBe('application/json')
  })

  test('sends an absolute target or a foreign Host to the configured upstream only', async () => {
    for (const target of ['http://evil.test/v1/chat/completions', 'http://evil.test:1/v1/x/../chat/completions']) {
      const { status, sent } = await ask(post(target, ['X-Forwarded-Host: evil.test']))
      expect(status).toBe(200)
      expect(sent[0]!.path).toBe('/v1/chat/completions')
      expectOurs(sent[0]!)
    }
  })

  test('keeps a key that is sent as the model out of log and answer', async () => {
    for (const before of ['', 'x'.repeat(110)]) {
      const model = before + server().key
      const posted = await ask(post('/v1/chat/completions', [], JSON.stringify({ model })))
      const asked = await ask(lines(`GET /v1/models/${model} HTTP/1.1`, []))
      expect(asked.status).toBe(404)
      for (const { answer } of [posted, asked]) expect(answer).not.toContain(server().key.slice(0, 20))
    }
    await until(
      () =>
        server()
          .log()
          .filter(({ model }) => String(model).includes('sk-svcacct-***')).length === 2,
    )
    expect(JSON.stringify(server().log())).not.toContain(server().key.slice(0, 20))
  })

  test('shows nothing of the upstream’s account in an answer', async () => {
    const { headers } = await server().request('POST', '/chat/completions', { model: 'headers' })
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('openai-organization')).toBe(server().organization_id)
    expect(headers.get('openai-project')).toBe(server().project_id)
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('server')).toBeNull()
    // That is the operator's account; Keyhall says what the limits of the project are.
    expect(headers.get('x-ratelimit-remaining-requests')).toBeNull()
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('passes on no header beyond the allowed ones, for 300 generated sets', async () => {
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/),
      fc.constantFrom(...'Cookie Forwarded X-Forwarded-For Proxy-Connection Via Origin Referer Range'.split(' ')),
      fc.constantFrom('OpenAI-Beta', 'Accept', 'User-Agent', 'tracestate', 'X-Stainless-Lang', 'Upgrade', 'Keep-Alive'),
    )
    const framing =
      /^(host|authorization|api-key|x-api-key|content-length|content-type|content-encoding|transfer-encoding|connection|expect|upgrade|openai-organization|openai-project)$/i
    const header = fc.tuple(
      name.filter((one) => !framing.test(one)),
      fc.stringMatching(/^[!-~]{1,40}$/),
    )
    let seen = 0
    await fc.assert(
      fc.asyncProperty(fc.array(header, { minLength: 1, maxLength: 8 }), fc.boolean(), async (headers, hop) => {
        const list = headers.map(([name, value]) => `${name}: ${value}`)
        const hopped = hop ? [`Connection: ${headers[0]![0]}`] : []
        const before = upstream().sent.length
        const answer = await raw(
          server().port,
          post('/v1/chat/completions', [...list, ...hopped, 'Connection: close']),
          1000,
        )
        expect(answer).toStartWith('HTTP/1.1 200 ')
        await until(() => upstream().sent.length > before)
        expectOurs(upstream().sent.at(-1)!)
        if (hop && headers[0]![0].toLowerCase() !== 'accept')
          expect(upstream().sent.at(-1)!.headers[headers[0]![0].toLowerCase()] ?? 'keyhall').not.toBe(headers[0]![1])
        seen++
      }),
      { numRuns: 300, seed: 4 },
    )
    expect(seen).toBeGreaterThanOrEqual(300)
  }, 60_000)
})
