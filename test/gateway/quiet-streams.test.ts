/**
 * Event streams on their way through proxies: not held back, and not taken for dead when silent.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import OpenAI from 'openai'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { realWorld } from '../../world/world.ts'
import { folder } from '../cli/command.ts'
import { hasNginx, startNginx } from '../nginx.ts'
import { gatewayAlone, startGateway, until, type GatewayServer } from './setup.ts'
import { open, startRealtime } from './sockets.ts'
import { event, startUpstream, type FakeUpstream } from './upstream.ts'

describe('a silent event stream', () => {
  /** A gateway whose steady clock runs a hundred times as fast, on a port, before this stream. */
  function startFast(type: string) {
    const upstream = new TransformStream<Uint8Array, Uint8Array>()
    const answer = new Response(upstream.readable, { headers: { 'content-type': type } })
    const models = () => Response.json({ data: [{ id: 'tiny' }] })
    const send = async (url: string) => (url.endsWith('/models') ? models() : answer)
    const world = { steady: () => realWorld.steady() * 100, fetch: send }
    const { gateway } = gatewayAlone({}, world)
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch: gateway.fetch })
    const baseURL = `http://127.0.0.1:${server.port}/v1`
    const writer = upstream.writable.getWriter()
    const say = (text: string) => writer.write(new TextEncoder().encode(text))
    const ask = () =>
      fetch(`${baseURL}/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
        body: '{"model":"tiny","stream":true}',
      })
    const close = async () => {
      await writer.close().catch(() => {})
      await server.stop(true)
      gateway.stop()
    }
    return { baseURL, say, ask, close }
  }

  /** Reads on until the text is there. */
  async function readTo(reader: ReadableStreamDefaultReader<Uint8Array>, isThere: (text: string) => boolean) {
    let text = ''
    while (!isThere(text)) text += new TextDecoder().decode((await reader.read()).value)
    return text
  }

  test('gets comments between its events, and none inside of one', async () => {
    const { say, ask, close } = startFast('text/event-stream')
    const reader = (await ask()).body!.getReader()
    const silent = await readTo(reader, (text) => text.split(': keep-alive\n\n').length > 2)
    expect(silent.replaceAll(': keep-alive\n\n', '')).toBe('')
    void say('data: {"be')
    await readTo(reader, (text) => text.includes('data: {"be'))
    // Three times the silence after which a comment would come.
    await Bun.sleep(450)
    void say('gun":1}\n\n')
    expect(await readTo(reader, (text) => text.includes('\n\n'))).toBe('gun":1}\n\n')
    await readTo(reader, (text) => text.includes(': keep-alive\n\n'))
    await close()
  })

  test('reads the same through the official SDK', async () => {
    const { baseURL, say, close } = startFast('text/event-stream; charset=utf-8')
    const client = new OpenAI({ apiKey: 'x', baseURL, maxRetries: 0 })
    const asked = client.chat.completions.create({ model: 'tiny', messages: [], stream: true })
    const words: unknown[] = []
    const stream = await asked
    void (async () => {
      await Bun.sleep(500)
      await say(event('Hello'))
      await Bun.sleep(500)
      await say('data: [DONE]\n\n')
    })()
    for await (const { choices } of stream) words.push(choices[0]!.delta.content)
    expect(words).toEqual(['Hello'])
    await close()
  })

  test('of another type gets nothing added', async () => {
    const { say, ask, close } = startFast('audio/mpeg')
    void say('beginning')
    const reader = (await ask()).body!.getReader()
    await Bun.sleep(450)
    void say('end')
    expect(await readTo(reader, (text) => text.endsWith('end'))).toBe('beginningend')
    await close()
  })
})

if (!hasNginx) console.log('SKIPPED: nginx is not installed, so streams through its defaults are not tested')

describe.skipIf(!hasNginx)('nginx before Keyhall, as the guide has it and with all its defaults', () => {
  const guide = readFileSync(join(import.meta.dir, '../../docs/guides/behind-a-proxy.md'), 'utf8')
  const block = guide.split('```nginx\n')[1]!.split('```')[0]!
  const place = folder()
  let upstream: FakeUpstream
  let keyhall: GatewayServer
  let voice: GatewayServer
  const realtime = startRealtime()
  const running: Awaited<ReturnType<typeof startNginx>>[] = []
  const clients: Record<string, OpenAI> = {}

  async function put(name: string, server: (port: number) => string) {
    const nginx = await startNginx(`${place.path}/${name}`, server)
    running.push(nginx)
    const baseURL = `http://127.0.0.1:${nginx.port}/v1`
    clients[name] = new OpenAI({ apiKey: keyhall.key, baseURL, maxRetries: 0 })
  }

  beforeAll(async () => {
    upstream = startUpstream()
    upstream.models.push('stalls', 'whisper')
    keyhall = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: upstream.url })
    const address = `127.0.0.1:${keyhall.port}`
    await put('defaults', (port) => `server { listen 127.0.0.1:${port}; location / { proxy_pass http://${address}; } }`)
    const asInGuide = (to: string) => (port: number) =>
      block
        .replaceAll('127.0.0.1:4100', to)
        .replace(/listen 443[^;]*;/, `listen 127.0.0.1:${port};`)
        .replace(/^.*ssl_certificate.*\n/gm, '')
    await put('guide', asInGuide(address))
    voice = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: realtime.url })
    await put('sockets', asInGuide(`127.0.0.1:${voice.port}`))
  }, 30_000)
  afterAll(async () => {
    for (const nginx of running) await nginx.stop()
    await Promise.all([keyhall.stop(), voice.stop()])
    await Promise.all([upstream.stop(), realtime.stop()])
    place.remove()
  })

  test('relays a realtime session, as the guide has it', async () => {
    const session = await open(`${clients.sockets!.baseURL}/realtime?model=voice`, voice.key)
    session.socket.send('{"type":"ping"}')
    await until(() => session.heard.length > 0)
    expect(session.heard).toEqual(['{"type":"ping"}'])
    session.socket.close()
  })

  for (const name of ['defaults', 'guide'])
    test(`passes each event on as it comes, with ${name}`, async () => {
      const { data: stream, response } = await clients[name]!.chat.completions.create({
        model: 'stalls',
        messages: [{ role: 'user', content: 'Hello' }],
        stream: true,
      }).withResponse()
      expect(response.headers.get('cache-control')).toBe('no-cache')
      // The upstream never sends more: what arrives was not held back until the end.
      for await (const { choices } of stream) {
        expect(choices[0]!.delta.content).toBe('Hel')
        break
      }
      await upstream.sent.at(-1)!.aborted
      await until(() => keyhall.log().some(({ ended }) => ended === 'client left'))
    })

  test('passes whole answers and an upload on, with the guide', async () => {
    expect((await clients.guide!.models.list()).data.map(({ id }) => id)).toContain('tiny')
    const text = new File([new Uint8Array(3_000_000)], 'speech.wav')
    const heard = await clients.guide!.audio.transcriptions.create({ model: 'whisper', file: text })
    expect(heard.text).toMatch(/ bytes for whisper$/)
  })
})
