/**
 * A policy that is added from outside, through the whole server: everything that the next rule
 * about requests can do.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { ApiError, modelNotFound } from '../../contract/errors.ts'
import type { End, Policy, PolicyRequest } from '../../gateway/policies/policy.ts'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { engines, startServer, START_MILLISECONDS, unknownKey, type TestServer } from '../setup.ts'
import { until } from './setup.ts'

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`

/** Answers by what the model is called, with a stream or with bytes, and remembers the bodies. */
function startModel() {
  const bodies: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    development: false,
    async fetch(request) {
      if (request.url.endsWith('/models'))
        return Response.json({ data: ['open', 'secret', 'streams', 'breaks', 'fails', 'hangs'].map((id) => ({ id })) })
      bodies.push(await request.text())
      const is = (model: string) => bodies.at(-1)!.includes(`"${model}"`)
      if (is('fails')) return Response.json({ error: {} }, { status: 500 })
      if (is('hangs')) return new Promise<Response>(() => {})
      if (!is('streams') && !is('breaks')) return Response.json({ usage: { total_tokens: 7 } })
      const pieces = [event({ n: 1 }).slice(0, 9), `${event({ n: 1 }).slice(9)}${event({ usage: 3 })}`, event({ n: 2 })]
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          // So that each piece is read by itself.
          await Bun.sleep(20)
          const piece = pieces.shift()
          if (piece) controller.enqueue(Buffer.from(piece))
          else if (is('breaks')) controller.error(new Error('broken'))
          else controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { url: `${server.url}v1`, bodies, stop: () => server.stop(true) }
}

for (const engine of engines)
  describe(`a policy from outside (${engine})`, () => {
    const model = startModel()
    let server: TestServer
    let key: string
    /** What the policy was asked and told, and what it is to do. */
    const seen: {
      asked: PolicyRequest[]
      members: (string | undefined)[]
      ends: End[]
      events: string[]
      bytes: string
    } = {
      asked: [],
      members: [],
      ends: [],
      events: [],
      bytes: '',
    }
    let refusal: ApiError | null = null
    let laterRefusal: ApiError | null = null
    let waits: Promise<void> | null = null

    const policy: Policy = {
      name: 'test',
      withoutModel: 'applies',
      members: ['max_tokens', 'options'],
      nested: ['image_url'],
      permit(_, { model }) {
        if (model === 'secret') throw modelNotFound(model)
      },
      reserve(request) {
        seen.asked.push(request)
        if (refusal) throw refusal
        const { body } = request
        if (body?.kind === 'json' && body.member('options') === undefined) body.set('options', '{"include_usage":true}')
        const reservation = {
          settle(end: End) {
            seen.members = ['max_tokens', 'options', 'other'].map((name) => body?.member(name))
            seen.ends.push(end)
          },
          addHeaders(headers: Record<string, string>) {
            headers['x-ratelimit-remaining-requests'] = '41'
          },
          event(bytes: Uint8Array) {
            seen.events.push(Buffer.from(bytes).toString())
            return !seen.events.at(-1)!.includes('usage')
          },
          piece: (bytes: Uint8Array) => void (seen.bytes += Buffer.from(bytes).toString()),
        }
        return waits ? waits.then(() => reservation) : reservation
      },
      showsModel: (_, id) => id !== 'secret',
    }
    const modelsOnly: Policy = {
      name: 'later',
      withoutModel: 'skipped',
      reserve() {
        if (laterRefusal) throw laterRefusal
        return null
      },
    }

    beforeAll(async () => {
      const { upstreams } = singleUpstream(model.url, null)
      server = await startServer(engine, {
        upstreams,
        policies: [policy, modelsOnly],
        limits: { body_milliseconds: 300 },
      })
      const { projects } = server.client.admin.organization
      const account = await projects.serviceAccounts.create(server.project_id, { name: 'robot' })
      key = account.api_key!.value
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await model.stop()
    })
    beforeEach(() => {
      Object.assign(seen, { asked: [], ends: [], events: [], bytes: '' })
      refusal = laterRefusal = waits = null
      model.bodies.length = 0
    })

    const call = (method: string, path: string, body?: unknown, init: RequestInit = {}) =>
      server.fetch(
        new Request(`http://keyhall.test${path}`, {
          method,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
          ...init,
        }),
      )
    const chat = (model: string, more: object = {}, init: RequestInit = {}) =>
      call('POST', '/v1/rerank', { model, ...more }, init)

    test('refuses before anything is forwarded, with headers of its own', async () => {
      refusal = new ApiError(429, 'Too many.', {
        type: 'rate_limit_error',
        code: 'rate_limit_exceeded',
        headers: { 'retry-after': '7' },
        retry: false,
      })
      const answer = await chat('open')
      expect(answer.status).toBe(429)
      expect(answer.headers.get('retry-after')).toBe('7')
      expect(answer.headers.get('x-should-retry')).toBe('false')
      expect(await answer.json()).toMatchObject({ error: { code: 'rate_limit_exceeded', type: 'rate_limit_error' } })
      expect([model.bodies, seen.ends]).toEqual([[], []])
    })

    test('gives back what it took where a later policy refuses', async () => {
      laterRefusal = new ApiError(403, 'No.')
      expect((await chat('open')).status).toBe(403)
      expect(seen.ends).toEqual([{ ended: null, wasForwarded: false, status: null }])
      expect(model.bodies).toEqual([])
    })

    test('refuses a model by the key, and leaves it out of the list', async () => {
      expect((await chat('secret')).status).toBe(404)
      expect(seen.asked).toEqual([])
      const { data } = (await (await call('GET', '/v1/models')).json()) as { data: { id: string }[] }
      expect(data.map(({ id }) => id)).toEqual(['open', 'streams', 'breaks', 'fails', 'hangs'])
      expect((await call('GET', '/v1/models/secret')).status).toBe(404)
      expect((await call('GET', '/v1/models/open')).status).toBe(200)
    })

    test('sees the members that it names to the end, what is nested, and no others', async () => {
      await chat('open', { max_tokens: 5, input: [{ image_url: 'x' }], other: 1 })
      const { body, ...asked } = seen.asked[0]!
      expect(asked).toMatchObject({
        component: 'gateway',
        method: 'POST',
        operation: 'rerank',
        model: 'open',
        permission: 'api.model.request',
        caller: { project_id: server.project_id },
      })
      expect(seen.members).toEqual(['5', undefined, undefined])
      expect([...body!.nested]).toContain('image_url')
    })

    for (const [what, sent, forwarded] of [
      ['adds a member', '{ "model": "open" }', '{ "model": "open" ,"options":{"include_usage":true}}'],
      ['adds one to an empty body', '{}', '{"options":{"include_usage":true}}'],
      ['leaves a body that has it', '{"model":"open","options":1}', '{"model":"open","options":1}'],
    ] as const)
      test(`changes the body before it is forwarded: ${what}`, async () => {
        expect((await call('POST', '/v1/rerank', sent)).status).toBe(200)
        expect(model.bodies).toEqual([forwarded])
      })

    test('puts headers on the answer, and sees its bytes', async () => {
      const answer = await chat('open')
      expect(answer.headers.get('x-ratelimit-remaining-requests')).toBe('41')
      expect(await answer.json()).toEqual({ usage: { total_tokens: 7 } })
      expect(seen.bytes).toBe('{"usage":{"total_tokens":7}}')
      expect(seen.ends).toEqual([{ ended: 'whole', wasForwarded: true, status: 200 }])
    })

    test('sees each event of a stream whole, and keeps one from the client', async () => {
      const answer = await chat('streams', { stream: true })
      expect(await answer.text()).toBe(event({ n: 1 }) + event({ n: 2 }))
      expect(seen.events).toEqual([event({ n: 1 }), event({ usage: 3 }), event({ n: 2 })])
      await until(() => seen.ends.length > 0)
      expect(seen.ends).toEqual([{ ended: 'whole', wasForwarded: true, status: 200 }])
    })

    test('settles once in every end: a failure, a break, a client that left early or in a stream', async () => {
      const ended = async (run: () => Promise<unknown>) => {
        seen.ends.length = 0
        await run()
        await until(() => seen.ends.length > 0)
        await Bun.sleep(20)
        return seen.ends
      }
      const leave = async (name: string) => {
        const listener = Bun.serve({ port: 0, hostname: '127.0.0.1', development: false, fetch: server.fetch })
        const controller = new AbortController()
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
        const body = JSON.stringify({ model: name, stream: true })
        const before = model.bodies.length
        const sent = fetch(`${listener.url}v1/rerank`, { method: 'POST', headers, body, signal: controller.signal })
        await until(() => model.bodies.length > before)
        if (name === 'streams') await (await sent).body!.getReader().read()
        controller.abort()
        await sent.catch(() => {})
        await until(() => seen.ends.length > 0)
        await listener.stop(true)
      }
      expect(await ended(() => chat('fails'))).toEqual([{ ended: 'whole', wasForwarded: true, status: 500 }])
      expect(await ended(async () => (await chat('breaks', { stream: true })).text())).toEqual([
        { ended: 'upstream broke off', wasForwarded: true, status: 200 },
      ])
      expect(await ended(() => leave('hangs'))).toEqual([{ ended: 'client left', wasForwarded: true, status: null }])
      expect(await ended(() => leave('streams'))).toEqual([{ ended: 'client left', wasForwarded: true, status: 200 }])
      // A key as a model is never forwarded.
      const unknown = await ended(() => chat(unknownKey('project')))
      expect(unknown).toEqual([{ ended: null, wasForwarded: false, status: null }])
    })

    test('may take its time, and what it took is given back when the client has left meanwhile', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waits = promise
      const controller = new AbortController()
      const answer = chat('open', {}, { signal: controller.signal })
      await until(() => seen.asked.length > 0)
      controller.abort()
      resolve()
      await answer
      expect(seen.ends).toEqual([{ ended: 'client left', wasForwarded: false, status: null }])
      expect(model.bodies).toEqual([])
    })

    test('says what it does for requests without a model: one is asked, the other is not', async () => {
      laterRefusal = new ApiError(403, 'No.')
      expect((await call('GET', '/v1/batches')).status).toBe(200)
      expect(seen.asked.map(({ model }) => model)).toEqual([null])
    })

    test('is asked by /verify, as far as that knows the request', async () => {
      const answer = await call('GET', '/verify?scope=api.model.request&model=open')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('x-ratelimit-remaining-requests')).toBe('41')
      expect(seen.asked).toMatchObject([
        { component: 'verify', model: 'open', permission: 'api.model.request', body: null },
      ])
      expect(seen.ends).toEqual([{ ended: 'verified', wasForwarded: false, status: null }])
      expect((await call('GET', '/verify?model=secret')).status).toBe(404)
      refusal = new ApiError(429, 'Too many.', { headers: { 'retry-after': '7' } })
      const refused = await call('GET', '/verify')
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7'])
    })
  })
