/** WebSockets that are relayed: what passes, what is counted, and how they end. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import OpenAI from 'openai'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { encodeFrame, PING } from '../../gateway/sockets/frames.ts'
import { done, head, open, openRaw, startRealtime, startTls, type RealtimeUpstream } from './sockets.ts'
import { SECRET } from './upstream.ts'

setDefaultTimeout(60_000)

for (const engine of engines)
  describe(`a realtime session (${engine})`, () => {
    const upstream: RealtimeUpstream = startRealtime()
    let server: GatewayServer
    beforeAll(async () => {
      server = await startGateway(
        engine,
        `
upstreams:
  - { name: one, base_url: "${upstream.url}", api_key: ${SECRET}, models: [voice, free, other] }
models:
  - { match: voice, prices: [{ input: 10, output: 20 }], limits: { requests_per_minute: 1000 } }
paths: [/realtime]
`,
      )
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })
    beforeEach(async () => {
      await until(() => upstream.closed.length === upstream.sockets.length)
      upstream.onMessage = (socket, message) => void socket.send(message)
      upstream.refuse = null
      upstream.heads.length = upstream.closed.length = 0
      upstream.received.length = upstream.sockets.length = upstream.pongs.length = 0
    })

    const url = (model = 'voice') => `${server.url}/v1/realtime?model=${model}`
    const projects = () => server.admin.admin.organization.projects
    const newKey = async (project_id = server.project_id) =>
      (await projects().serviceAccounts.create(project_id, { name: 'robot' })).api_key!
    const lines = (ended?: string) =>
      server.log().filter(({ path, ended: how }) => path === '/v1/realtime' && (ended === undefined || how === ended))

    test('is also opened outside of /v1, where the file names the path', async () => {
      const { socket } = await open(`${server.url}/realtime?model=voice`, server.key)
      socket.close()
      expect(upstream.heads.map(({ path }) => path)).toEqual(['/realtime?model=voice'])
    })

    test('passes messages both ways as they are, and the upstream gets its own key', async () => {
      const { socket, heard } = await open(url(), server.key)
      const sent = ['{"type":"x"}', '', 'ä€😀', Buffer.from([0, 255, 1]), Buffer.alloc(0), 'y'.repeat(3_000_000)]
      for (const message of sent) socket.send(message)
      await until(() => heard.length === sent.length)
      expect(heard.map((one) => (typeof one === 'string' ? one : Buffer.from(one)))).toEqual(sent)
      const [{ path, headers }] = upstream.heads as [RealtimeUpstream['heads'][0]]
      expect(path).toBe('/v1/realtime?model=voice')
      expect(headers.authorization).toBe(`Bearer ${SECRET}`)
      expect(JSON.stringify(headers)).not.toContain(server.key)
      socket.close(4001, 'enough')
      await until(() => upstream.closed.length === 1)
      expect(upstream.closed).toEqual([{ code: 4001, reason: 'enough' }])
      await until(() => lines('whole').length === 1)
      expect(lines('whole')[0]).toMatchObject({ status: 101, model: 'voice', upstream: 'one', key_id: server.key_id })
    })

    test('ends with the code and the reason of the upstream', async () => {
      const opened = await open(url(), server.key)
      await until(() => upstream.sockets.length === 1)
      upstream.sockets[0]!.close(3456, 'no more')
      expect(await opened.closed).toEqual({ code: 3456, reason: 'no more' })
    })

    test('answers the pings of both sides', async () => {
      const client = await openRaw(server.port, head('/v1/realtime?model=voice', server.key))
      await until(() => upstream.sockets.length === 1)
      client.socket.write(encodeFrame(PING, Buffer.from('hi'), Buffer.from([1, 2, 3, 4])))
      await until(() => client.heard().includes('\x8a\x02hi'))
      upstream.sockets[0]!.ping('hello')
      await until(() => upstream.pongs.length === 1)
      expect(upstream.pongs).toEqual(['hello'])
      client.socket.destroy()
    })

    test('takes the key among the sub-protocols, never passes it on, and chooses another', async () => {
      const protocols = ['realtime', `openai-insecure-api-key.${server.key}`, 'openai-beta.realtime-v1']
      const { socket } = await open(url(), null, protocols)
      expect(socket.protocol).toBe('realtime')
      const [{ headers }] = upstream.heads as [RealtimeUpstream['heads'][0]]
      expect(headers['sec-websocket-protocol']).toBe('realtime, openai-beta.realtime-v1')
      expect(JSON.stringify(headers)).not.toContain(server.key)
      socket.close()
      const same = await open(url(), server.key, ['realtime', `openai-insecure-api-key.${server.key}`])
      same.socket.close()
    })

    test('is counted by its responses, priced, and its opening once under the limit of requests', async () => {
      upstream.onMessage = (socket) => void socket.send(done({ total_tokens: 30, input_tokens: 10, output_tokens: 20 }))
      const project = await projects().create({ name: 'Counted' })
      const { value } = await newKey(project.id)
      const { socket, heard } = await open(url(), value)
      for (let n = 0; n < 3; n++) socket.send('{"type":"response.create"}')
      await until(() => heard.length === 3)
      socket.close()
      const report = async () => {
        const { data } = await server.admin.admin.organization.usage.completions({
          start_time: Math.floor(Date.now() / 86_400_000) * 86_400,
          group_by: ['model', 'project_id'],
        })
        const results = data.flatMap((bucket) => bucket.results) as unknown as Record<string, unknown>[]
        return results.find(({ project_id }) => project_id === project.id)
      }
      let found = await report()
      while (found === undefined || Number(found.num_model_requests) < 3) {
        await Bun.sleep(50)
        found = await report()
      }
      expect(found).toMatchObject({ model: 'voice', num_model_requests: 3, input_tokens: 30, output_tokens: 60 })
    })

    test('is under the limit of requests, the model permissions and the hosted tools of its project', async () => {
      const project = await projects().create({ name: 'Limited' })
      const { value } = await newKey(project.id)
      await projects().modelPermissions.update(project.id, { mode: 'allow_list', model_ids: ['voice'] })
      await projects().hostedToolPermissions.update(project.id, { mcp: { enabled: false } })
      const { data } = await projects().rateLimits.listRateLimits(project.id)
      const row = data.find(({ model }) => model === 'voice')!
      await projects().rateLimits.updateRateLimit(row.id, { project_id: project.id, max_requests_per_1_minute: 2 })
      const status = async (model: string) => (await upgrade(url(model), value)).status
      expect(await status('other')).toBe(403)
      expect(upstream.heads).toEqual([])
      const { socket, heard } = await open(url(), value)
      const refused = [
        { type: 'session.update', session: { model: 'other' } },
        { type: 'session.update', session: { audio: { input: { transcription: { model: 'other' } } } } },
        { type: 'session.update', session: { input_audio_transcription: { model: 'other' } } },
        { type: 'response.create', response: { tools: [{ type: 'mcp', server_url: 'https://x.example' }] } },
      ]
      for (const event of refused) socket.send(JSON.stringify(event))
      socket.send(Buffer.from(JSON.stringify(refused.at(-1))))
      socket.send('{"type":"session.update","session":{"model":"voice"}}')
      await until(() => heard.length === 6)
      const answered = heard.map((one) => JSON.parse(String(one)) as { type: string; error?: { code: string } })
      expect(answered.map(({ type, error }) => error?.code ?? type)).toEqual([
        'model_not_found',
        'model_not_found',
        'model_not_found',
        'hosted_tool_not_permitted',
        'hosted_tool_not_permitted',
        'session.update',
      ])
      expect(upstream.received).toHaveLength(1)
      socket.close()
      ;(await open(url(), value)).socket.close()
      const limited = await upgrade(url(), value)
      expect(limited.status).toBe(429)
      expect(limited.headers.get('retry-after')).not.toBeNull()
      expect((await upgrade(`${server.url}/v1/realtime`, value)).status).toBe(400)
    })

    test('is refused under a spend limit where its model has a price', async () => {
      const project = await projects().create({ name: 'Thrifty' })
      const { value } = await newKey(project.id)
      await projects().spendLimit.update(project.id, { currency: 'USD', interval: 'month', threshold_amount: 100_000 })
      const refused = await upgrade(url(), value)
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: 'session_without_bound' } }])
      ;(await open(url('free'), value)).socket.close()
      expect(upstream.heads).toHaveLength(1)
    })

    test('ends at once when its key dies, with an error event and 1008', async () => {
      const { id, value } = await newKey()
      const { socket, heard, closed } = await open(url(), value)
      socket.send('hello')
      await until(() => heard.length === 1)
      await projects().apiKeys.delete(id, { project_id: server.project_id })
      expect(await closed).toEqual({ code: 1008, reason: 'invalid_api_key' })
      expect(JSON.parse(String(heard.at(-1)))).toMatchObject({ type: 'error', error: { code: 'invalid_api_key' } })
      await until(() => upstream.closed.length === 1)
      expect(upstream.closed[0]!.code).toBe(1001)
      await until(() => lines('key revoked').length === 1)
      expect((await upgrade(url(), value)).status).toBe(401)
    })

    test('that the upstream refuses is an answer with its status; its 401 is a 502', async () => {
      for (const [given, expected] of [
        [404, 404],
        [429, 429],
        [503, 503],
        [401, 502],
        [302, 502],
      ] as const) {
        upstream.refuse = () =>
          Response.json({ error: { message: 'refused' } }, { status: given, headers: { 'retry-after': '7' } })
        const answer = await upgrade(url(), server.key)
        expect([given, answer.status]).toEqual([given, expected])
        if (expected === given) expect(await answer.json()).toEqual({ error: { message: 'refused' } })
        if (given === 429) expect(answer.headers.get('retry-after')).toBe('7')
      }
    })

    test('ends with 1011 and an error event when the upstream dies', async () => {
      const { closed, heard } = await open(url(), server.key)
      await until(() => upstream.sockets.length === 1)
      upstream.sockets[0]!.terminate()
      expect(await closed).toEqual({ code: 1011, reason: 'bad_upstream' })
      expect(JSON.parse(String(heard.at(-1)))).toMatchObject({ type: 'error', error: { code: 'bad_upstream' } })
      await until(() => lines('upstream broke off').length === 1)
    })

    test('a hundred that are closed in one moment leave nothing behind', async () => {
      const all = await Promise.all(Array.from({ length: 100 }, () => open(url('free'), server.key)))
      const samples = async () => (await fetch(`${server.url}/metrics`)).text()
      expect(await samples()).toContain('keyhall_open_sockets 100')
      for (const [n, { socket }] of all.entries())
        if (n % 2) socket.close(1000)
        else (socket as unknown as { terminate: () => void }).terminate()
      while (!(await samples()).includes('keyhall_open_sockets 0')) await Bun.sleep(20)
      await until(() => upstream.closed.length === 100)
      while (!(await samples()).includes('keyhall_body_memory_bytes 0')) await Bun.sleep(20)
    })
  })

/** What answers the request for a WebSocket that is refused. */
function upgrade(url: string, key: string): Promise<Response> {
  return fetch(url, {
    headers: {
      authorization: `Bearer ${key}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
}

describe('the official SDK', () => {
  const upstream = startRealtime()
  let server: GatewayServer
  let tls: Awaited<ReturnType<typeof startTls>>
  let client: OpenAI
  beforeAll(async () => {
    server = await startGateway('sqlite', `upstreams: [{ name: one, base_url: "${upstream.url}", models: [voice] }]`)
    tls = await startTls(server.port)
    client = new OpenAI({ apiKey: server.key, baseURL: `https://localhost:${tls.port}/v1` })
    upstream.onMessage = (socket) => {
      socket.send(JSON.stringify({ type: 'response.output_text.delta', event_id: 'event_0', delta: 'Hello.' }))
      socket.send(done({ input_tokens: 1, output_tokens: 2 }))
    }
  })
  afterAll(async () => {
    tls.stop()
    await server.stop()
    await upstream.stop()
  })

  test('OpenAIRealtimeWS sends and hears events', async () => {
    const realtime = new OpenAIRealtimeWS({ model: 'voice', options: { ca: tls.ca } as never }, client)
    const heard: string[] = []
    realtime.on('response.output_text.delta', ({ delta }) => heard.push(delta))
    const ended = new Promise<void>((resolve) => realtime.on('response.done', () => resolve()))
    realtime.on('error', (error) => heard.push(String(error)))
    realtime.socket.on('open', () => realtime.send({ type: 'response.create' }))
    await ended
    expect(heard).toEqual(['Hello.'])
    realtime.close()
    await until(() => upstream.closed.length === 1)
  })

  test('OpenAIRealtimeWebSocket, as in a browser, shows its key as a sub-protocol', async () => {
    const trusted = process.env.NODE_TLS_REJECT_UNAUTHORIZED
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      const realtime = new OpenAIRealtimeWebSocket({ model: 'voice' }, client)
      const ended = new Promise<void>((resolve) => realtime.on('response.done', () => resolve()))
      realtime.on('error', () => {})
      realtime.socket.addEventListener('open', () => realtime.send({ type: 'response.create' }))
      await ended
      expect(realtime.socket.protocol).toBe('realtime')
      realtime.close()
    } finally {
      if (trusted === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = trusted
    }
  })
})
