/** A server that is told to stop amid requests: how long they may go on, and how the rest ends. */
import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import OpenAI from 'openai'
import { connect } from 'node:net'
import { folder, serve } from '../cli/command.ts'
import { event } from './upstream.ts'
import { until } from './setup.ts'

// Each test starts a process, and waits for its end.
setDefaultTimeout(60_000)

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

/** A model server whose streams go on when the test says so; `waits` is never answered. */
function startModel() {
  let go: (text: string | null) => void = () => {}
  let waiting = 0
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      if (request.url.endsWith('/models')) return Response.json({ data: [{ id: 'streams' }, { id: 'waits' }] })
      const { model } = (await request.json()) as { model: string }
      if (model === 'waits') {
        waiting++
        return new Promise<Response>(() => {})
      }
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          go = (text) => (text === null ? controller.close() : controller.enqueue(Buffer.from(text)))
          go(event('begun'))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  stops.push(() => server.stop(true))
  return { url: `${server.url}v1`, go: (text: string | null) => go(text), waiting: () => waiting }
}

async function start(env: Record<string, string>) {
  const model = startModel()
  const home = folder()
  stops.push(home.remove)
  const server = await serve(`sqlite:${home.path}/k.db`, [], { env: { KEYHALL_UPSTREAM: model.url, ...env } })
  const baseURL = `${server.url}/v1`
  const admin = new OpenAI({ adminAPIKey: server.key!, apiKey: 'none', baseURL, maxRetries: 0 })
  const { projects } = admin.admin.organization
  const project = await projects.create({ name: 'Models' })
  const { api_key } = await projects.serviceAccounts.create(project.id, { name: 'robot' })
  const client = new OpenAI({ apiKey: api_key!.value, baseURL, maxRetries: 0 })
  const chunks: string[] = []
  const stream = await client.chat.completions.create({ model: 'streams', messages: [], stream: true })
  const streamed = (async () => {
    for await (const { choices } of stream) chunks.push(choices[0]!.delta.content!)
  })()
  streamed.catch(() => {})
  await until(() => chunks.length === 1)
  return { server, model, client, streamed, chunks }
}

test('a stream may go on to its end, while the port takes no new requests', async () => {
  const { server, model, streamed, chunks } = await start({})
  server.signal('SIGTERM')
  await server.prints('Stopping')
  expect(await fetch(`${server.url}/health`).catch(() => 'refused')).toBe('refused')
  // Longer than it was before this was a setting.
  await Bun.sleep(8_000)
  model.go(event('and ended'))
  model.go('data: [DONE]\n\n')
  model.go(null)
  await streamed
  expect(chunks).toEqual(['begun', 'and ended'])
  const { code, out, err } = await server.ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('"ended":"whole"')
  expect(out).not.toContain('cut off')
})

test('when the time is over, streams end with an error event and waiting requests with a 503', async () => {
  const { server, model, client, streamed } = await start({ KEYHALL_SHUTDOWN_SECONDS: '1' })
  const waiting = client.chat.completions.create({ model: 'waits', messages: [] })
  waiting.catch(() => {})
  await until(() => model.waiting() === 1)
  server.signal('SIGTERM')
  expect(await streamed.catch((error: unknown) => error)).toMatchObject({ code: 'server_stopping' })
  expect(await waiting.catch((error: unknown) => error)).toMatchObject({ status: 503, code: 'server_stopping' })
  const { code, out, err } = await server.ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.match(/"ended":"server stopped"/g)).toHaveLength(2)
  expect(out).not.toContain('were cut off')
})

test('a kept connection that waits for nothing is closed at once', async () => {
  const { server, model, streamed } = await start({})
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  let heard = ''
  socket.on('data', (bytes) => (heard += bytes.toString()))
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => heard.includes('200 OK'))
  server.signal('SIGTERM')
  await closed
  model.go(null)
  await streamed
  expect((await server.ended).code).toBe(0)
})
