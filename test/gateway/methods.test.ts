/**
 * HEAD, PUT and PATCH at the gateway: answered, forwarded, limited and metered as GET and POST are.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'
import { raw, startGateway, type GatewayServer } from './setup.ts'

/** What depends on the moment. */
const momentary = new Set(['x-request-id', 'openai-processing-ms', 'date', 'transfer-encoding'])

const headOf = ({ status, headers }: Response) => ({
  status,
  headers: Object.fromEntries([...headers].filter(([name]) => !momentary.has(name))),
})

describe('HEAD', () => {
  const LARGE = 1024 * 1024
  let upstream: ReturnType<typeof start>
  let server: GatewayServer

  /**
   * By the path: an answer of a known length, small or large, one of an unknown length, and a 404.
   */
  function start() {
    const asked: { method: string; path: string; left: Promise<void> }[] = []
    const listener = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      fetch(request) {
        const path = new URL(request.url).pathname
        if (path === '/v1/models') return Response.json({ data: [{ id: 'tiny', object: 'model' }] })
        const left = new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve()))
        asked.push({ method: request.method, path, left })
        if (path === '/v1/files/small') return Response.json({ id: 'small' }, { headers: { etag: '"1"' } })
        if (path === '/v1/files/none') return Response.json({ error: { message: 'No such file' } }, { status: 404 })
        if (path === '/v1/files/large/content')
          return new Response(new Uint8Array(LARGE), { headers: { 'content-type': 'application/octet-stream' } })
        const never = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) })
        return new Response(never, { headers: { 'content-type': 'text/event-stream' } })
      },
    })
    return { url: `${listener.url}v1`, asked, stop: () => listener.stop(true) }
  }

  beforeAll(async () => {
    upstream = start()
    server = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: upstream.url })
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
  })

  for (const path of ['/models', '/models/tiny', '/models/none', '/files/small', '/files/none', '/models?a=1'])
    test(`of ${path} has the status and the headers of GET, its length too, and no body`, async () => {
      const get = await server.request('GET', path)
      const length = (await get.bytes()).length
      const head = await server.request('HEAD', path)
      expect(headOf(head)).toEqual(headOf(get))
      expect(head.headers.get('content-length')).toBe(String(length))
      expect((await head.bytes()).length).toBe(0)
    })

  test('has the length of a large answer, which is not fetched, and none where nobody knows it', async () => {
    const head = await server.request('HEAD', '/files/large/content')
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(String(LARGE))
    const unknown = await server.request('HEAD', '/responses/resp_1?stream=true')
    expect(unknown.status).toBe(200)
    expect(unknown.headers.get('content-length')).toBeNull()
    expect(unknown.headers.get('x-accel-buffering')).toBe('no')
    await upstream.asked.at(-1)!.left
  })

  test('asks the upstream with GET, because few servers know HEAD', async () => {
    await server.request('HEAD', '/files/small')
    expect(upstream.asked.at(-1)).toMatchObject({ method: 'GET', path: '/v1/files/small' })
  })

  test('has a length in the refusals and at the other paths of the server too', async () => {
    const root = server.url
    for (const [path, headers] of [
      [`${root}/v1/models`, {}],
      [`${root}/v1/organization/projects`, {}],
      [`${root}/health`, {}],
      [`${root}/openapi.json`, {}],
      [`${root}/verify`, {}],
    ] as const) {
      const get = await fetch(path, { headers })
      const length = (await get.bytes()).length
      const head = await fetch(path, { method: 'HEAD', headers })
      expect({ path, ...headOf(head) }).toEqual({ path, ...headOf(get) })
      expect(head.headers.get('content-length')).toBe(String(length))
    }
  })

  test('sends no byte of a body over the wire', async () => {
    for (const path of ['/v1/models', '/v1/files/small', '/v1/files/large/content', '/v1/models/none']) {
      const answer = await raw(
        server.port,
        `HEAD ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n\r\n`,
      )
      expect(answer).toStartWith('HTTP/1.1 ')
      expect(answer.split('\r\n\r\n').slice(1)).toEqual([''])
    }
  })
})

for (const engine of engines)
  describe(`PUT and PATCH (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine, [
        { match: 'once-a-day-*', limits: { requests_per_day: 1 } },
        { match: 'priced', prices: [{ input: 1000, output: 2000 }], max_output_tokens: 100 },
      ])
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    for (const method of ['PUT', 'PATCH'] as const) {
      test(`${method} is forwarded with its body, and metered by its model`, async () => {
        const usage = { prompt_tokens: 7, completion_tokens: 5 }
        server.answerWith(() => Response.json({ choices: [], usage }))
        const body = { model: `by-${method}`, messages: [] }
        expect((await server.finish(method, '/chat/completions', body)).status).toBe(200)
        expect(server.received.at(-1)).toMatchObject({ method, path: '/chat/completions', body })
        expect(await server.counted('completions', body.model)).toMatchObject({
          input_tokens: 7,
          output_tokens: 5,
          num_model_requests: 1,
        })
      })

      test(`${method} is under rate limits and model permissions`, async () => {
        const ask = (model: string) => server.finish(method, '/chat/completions', { model, messages: [] })
        expect((await ask(`once-a-day-${method}`)).status).toBe(method === 'PUT' ? 200 : 429)
        expect((await ask(`once-a-day-${method}`)).status).toBe(429)
        const permissions = server.client.admin.organization.projects.modelPermissions
        await permissions.update(server.project_id, { mode: 'allow_list', model_ids: ['by-PUT'] })
        const before = server.received.length
        expect((await ask('other')).status).toBe(403)
        expect(server.received).toHaveLength(before)
        expect((await ask('by-PUT')).status).toBe(200)
        await permissions.delete(server.project_id)
      })

      test(`${method} needs the permission to write`, async () => {
        const { id } = (await (
          await server.request('POST', `/organization/projects/${server.project_id}/service_accounts`, {
            name: 'reader',
          })
        ).json()) as { id: string }
        const path = `/organization/projects/${server.project_id}/service_accounts/${id}/api_keys`
        const issued = await server.request('POST', path, { scopes: ['api.files.read', 'api.model.read'] })
        const { value } = (await issued.json()) as { value: string }
        const headers = { authorization: `Bearer ${value}` }
        server.answerWith(() => Response.json({}))
        expect((await server.finish('GET', '/files/file-1', undefined, { headers })).status).toBe(200)
        expect((await server.finish('HEAD', '/files/file-1', undefined, { headers })).status).toBe(200)
        const refused = await server.finish(method, '/files/file-1', { name: 'x' }, { headers })
        expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('api.files.write')])
      })
    }

    test('other methods stay a 405 that names these', async () => {
      for (const method of ['OPTIONS', 'PROPFIND']) {
        const answer = await server.finish(method, '/chat/completions')
        expect(answer.status).toBe(405)
        expect(answer.headers.get('allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE')
      }
    })
  })
