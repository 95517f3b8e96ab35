/**
 * A request that an upstream may have worked for is not sent again: neither to it nor to the next
 * one.
 */
import { afterEach, describe, expect, test } from 'bun:test'
import { createServer, type AddressInfo } from 'node:net'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

/**
 * Reads each request whole, works, and closes the connection without an answer: it crashed, or was
 * restarted.
 */
async function startCrashing(worksMilliseconds: number) {
  const executed: string[] = []
  const server = createServer((socket) => {
    let heard = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
      const [head, body] = heard.split('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(head!)?.[1] ?? 0)
      if (body === undefined || body.length < length) return
      heard = ''
      // The first request of a connection can be one that it answers, so that the connection is
      // kept.
      if (head!.includes('/warm')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}')
        return
      }
      executed.push(head!.split('\r\n')[0]!)
      setTimeout(() => socket.destroy(), worksMilliseconds)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/v1`, executed, stop: () => server.close() }
}

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

/** A gateway whose first upstream crashes after its work, and whose second would answer. */
async function start(worksMilliseconds: number) {
  const crashing = await startCrashing(worksMilliseconds)
  const next: FakeUpstream = startUpstream('next')
  const server: GatewayServer = await startGateway(
    'sqlite',
    `
upstreams:
  - { name: crashes, base_url: "${crashing.url}", models: [tiny], weight: 1000, default: true }
  - { name: next, base_url: "${next.url}", models: [tiny], weight: 0 }
`,
  )
  stops.push(crashing.stop, next.stop, server.stop)
  const post = (headers: Record<string, string> = {}) =>
    server.request('POST', '/images/generations', { model: 'tiny', prompt: 'a hall' }, headers)
  return { server, crashing, next, post }
}

for (const [what, isWarm] of [
  ['a new connection', false],
  ['a kept connection', true],
] as const)
  describe(`an upstream that reads a POST, works for it and dies, on ${what}`, () => {
    test('has executed it once, and no other upstream hears of it', async () => {
      const { server, crashing, next, post } = await start(1_500)
      if (isWarm) expect((await server.request('POST', '/warm', { model: 'tiny' })).status).toBe(200)
      const answer = await post()
      expect(answer.status).toBe(502)
      expect(await answer.json()).toMatchObject({ error: { code: 'upstream_unreachable' } })
      expect(crashing.executed).toEqual(['POST /v1/images/generations HTTP/1.1'])
      expect(next.sent).toEqual([])
    })

    test('is asked again, and the next one after it, where the caller gave an idempotency-key', async () => {
      const { server, crashing, next, post } = await start(200)
      if (isWarm) await server.request('POST', '/warm', { model: 'tiny' })
      expect((await post({ 'idempotency-key': 'once' })).status).toBe(200)
      expect(crashing.executed).toHaveLength(2)
      expect(next.sent.map(({ headers }) => headers['idempotency-key'])).toEqual(['once'])
    })
  })

test('an upstream that dies at once on a new connection has executed a POST once', async () => {
  const { crashing, next, post } = await start(0)
  expect((await post()).status).toBe(502)
  expect(crashing.executed).toHaveLength(1)
  expect(next.sent).toEqual([])
})

for (const method of ['GET', 'HEAD'])
  test(`a ${method} is asked again: it changes nothing`, async () => {
    const { server, crashing } = await start(200)
    expect((await server.request(method, '/batches')).status).toBe(502)
    expect(crashing.executed).toHaveLength(2)
  })

for (const method of ['PUT', 'PATCH', 'DELETE'])
  test(`a ${method} is sent once, and again only with an idempotency-key`, async () => {
    const { server, crashing, next } = await start(200)
    const body = method === 'DELETE' ? undefined : { model: 'tiny' }
    expect((await server.request(method, '/vector_stores/vs_1', body)).status).toBe(502)
    expect(crashing.executed).toEqual([`${method} /v1/vector_stores/vs_1 HTTP/1.1`])
    expect(next.sent).toEqual([])
    const again = await start(200)
    await again.server.request(method, '/vector_stores/vs_1', body, { 'idempotency-key': 'once' })
    expect(again.crashing.executed).toHaveLength(2)
  })

test('a POST that an upstream lets wait too long is not sent to the next one', async () => {
  const slow = await startCrashing(60_000)
  const next = startUpstream('next')
  const server = await startGateway(
    'sqlite',
    `
upstreams:
  - { name: slow, base_url: "${slow.url}", models: [tiny], weight: 1000, timeouts: { first_byte: 0.3 } }
  - { name: next, base_url: "${next.url}", models: [tiny], weight: 0 }
`,
  )
  stops.push(slow.stop, next.stop, server.stop)
  const answer = await server.request('POST', '/images/generations', { model: 'tiny' })
  expect(answer.status).toBe(504)
  expect(slow.executed).toHaveLength(1)
  expect(next.sent).toEqual([])
})
