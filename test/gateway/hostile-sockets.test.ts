/** WebSockets from clients and upstreams that do not keep to the protocol, or do not read. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { encodeFrame, TEXT } from '../../gateway/sockets/frames.ts'
import { ADMIN_KEY, startGateway, until, type GatewayServer } from './setup.ts'
import { head, open, openRaw, startRealtime, type RealtimeUpstream } from './sockets.ts'

setDefaultTimeout(60_000)

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

const memory = async ({ url }: GatewayServer) => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^keyhall_body_memory_bytes (\d+)$/m.exec(text)![1])
}

describe('a client that opens a WebSocket', () => {
  let upstream: RealtimeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    upstream = startRealtime()
    server = await startGateway('sqlite', `upstreams: [{ name: one, base_url: "${upstream.url}", models: [voice] }]`)
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
  })

  const path = '/v1/realtime?model=voice'
  const protocol = (key: string) => `realtime, openai-insecure-api-key.${key}`
  /** What is wrong, the headers, what is answered, and where it is sent. */
  const wrong: [string, Record<string, string | null>, number, string?][] = [
    ['has no Connection', { connection: null }, 400],
    ['has another Connection', { connection: 'keep-alive' }, 400],
    ['has a body', { 'content-length': '37' }, 400],
    ['has a body in chunks', { 'transfer-encoding': 'chunked' }, 400],
    ['speaks an older version', { 'sec-websocket-version': '8' }, 426],
    ['names no version', { 'sec-websocket-version': null }, 426],
    ['has a short key', { 'sec-websocket-key': 'c2hvcnQ=' }, 400],
    ['has no key of its own', { 'sec-websocket-key': null }, 400],
    ['wants h2c as well', { upgrade: 'websocket, h2c' }, 426],
    ['wants it on a path without one', {}, 426, '/v1/chat/completions'],
    ['wants it on the path of responses', {}, 426, '/v1/responses'],
    ['shows no API key', { authorization: null }, 401],
    ['shows a wrong API key', { authorization: 'Bearer sk-proj-wrong' }, 401],
    ['shows an admin key', { authorization: `Bearer ${ADMIN_KEY}` }, 403],
    ['shows two keys', { 'sec-websocket-protocol': protocol('sk-proj-other') }, 400],
    ['shows a wrong key in a sub-protocol', { authorization: null, 'sec-websocket-protocol': protocol('sk-x') }, 401],
    [
      'shows two in sub-protocols',
      { authorization: null, 'sec-websocket-protocol': `${protocol('sk-a')}, openai-insecure-api-key.sk-b` },
      400,
    ],
    ['offers what is no name', { 'sec-websocket-protocol': 'real time' }, 400],
    ['names two models', {}, 400, `${path}&model=other`],
    ['names its model in other letters', {}, 400, '/v1/realtime?Model=voice'],
    ['has a key in its query', {}, 401, `${path}&api_key=sk-svcacct-${'a'.repeat(60)}`],
  ]
  for (const [what, change, status, target = path] of wrong)
    test(`and ${what} gets ${status}, and what it sends behind is no request of its own`, async () => {
      const before = upstream.heads.length
      const smuggled = `GET /v1/realtime?model=smuggled HTTP/1.1\r\nHost: x\r\n\r\n`
      const client = await openRaw(server.port, head(target, server.key, change) + smuggled)
      expect(client.heard()).toStartWith(`HTTP/1.1 ${status} `)
      expect(client.heard()).not.toContain('101 Switching')
      if (status === 426) expect(client.heard().toLowerCase()).toContain('\r\nupgrade: ')
      client.socket.destroy()
      expect(upstream.heads.length).toBe(before)
    })

  test('and wants another protocol is an ordinary request, and its Upgrade goes no further', async () => {
    const before = upstream.heads.length
    const h2c = { upgrade: 'h2c', connection: 'Upgrade, HTTP2-Settings', 'http2-settings': 'AAMAAABkAAQAAP__' }
    const client = await openRaw(server.port, head(path, server.key, h2c))
    expect(client.heard()).toStartWith('HTTP/1.1 400 ')
    expect(upstream.heads.length).toBe(before + 1)
    expect(upstream.heads.at(-1)!.headers).not.toContainAnyKeys(['upgrade', 'http2-settings'])
    client.socket.destroy()
  })

  test('and sends a frame that is too large is closed, and so is the upstream', async () => {
    const before = upstream.closed.length
    const client = await openRaw(server.port, head(path, server.key))
    const frame = Buffer.alloc(14)
    frame.set([0x81, 0xff])
    frame.writeBigUInt64BE(BigInt(17 * 1024 * 1024), 2)
    client.socket.write(frame)
    client.socket.write(Buffer.alloc(17 * 1024 * 1024))
    await until(client.isClosed)
    await until(() => upstream.closed.length > before)
    expect(upstream.received).toEqual([])
  })

  test('and does not read holds the upstream back, and gets everything when it reads', async () => {
    const client = await openRaw(server.port, head(path, server.key))
    const before = upstream.sockets.length
    await until(() => upstream.sockets.length === before || upstream.sockets.length > 0)
    const end = upstream.sockets.at(-1)!
    client.socket.pause()
    let sent = 0
    // Until the upstream itself has to wait, by far more than sockets hold by themselves.
    while (end.getBufferedAmount() < 8 * 1024 * 1024) {
      end.send(Buffer.alloc(64 * 1024))
      sent += 64 * 1024
      await Bun.sleep(0)
      expect(sent).toBeLessThan(512 * 1024 * 1024)
    }
    expect(sent - end.getBufferedAmount()).toBeLessThan(64 * 1024 * 1024)
    let heard = 0
    client.socket.on('data', (piece) => (heard += piece.length))
    client.socket.resume()
    await until(() => heard >= sent)
    client.socket.destroy()
  })
})

/**
 * A server that begins a WebSocket as the test says, and then sends these bytes and reads or not.
 */
async function startBroken(
  answer: (accept: string) => string,
  { bytes = Buffer.alloc(0), reads = true }: { bytes?: Buffer; reads?: boolean } = {},
) {
  const sockets = new Set<Socket>()
  const heads: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', (piece) => {
      const text = piece.toString('latin1')
      heads.push(text)
      if (text.includes('/models')) return socket.end('HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n')
      const key = /sec-websocket-key: (\S+)/i.exec(text)![1]!
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      if (!reads) socket.pause()
      socket.write(Buffer.concat([Buffer.from(answer(accept), 'latin1'), bytes]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const gateway = await startGateway(
    'sqlite',
    `upstreams: [{ name: one, base_url: "http://127.0.0.1:${port}/v1", models: [voice], timeouts: { first_byte: 1 } }]`,
  )
  stops.push(gateway.stop)
  return { gateway, heads, url: `${gateway.url}/v1/realtime?model=voice` }
}

const switching = (accept: string, more = '') =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`

describe('an upstream', () => {
  const answers: [string, (accept: string) => string, number][] = [
    ['accepts another request', () => switching('c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcg=='), 502],
    ['switches to another protocol', (accept) => switching(accept).replace('websocket', 'h2c'), 502],
    ['chooses an extension', (accept) => switching(accept, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'), 502],
    ['chooses a sub-protocol', (accept) => switching(accept, 'Sec-WebSocket-Protocol: other\r\n'), 502],
    ['speaks no HTTP', () => 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 502],
    ['never ends its head', () => `HTTP/1.1 101 x\r\nX: ${'x'.repeat(20_000)}`, 502],
    ['says nothing', () => '', 504],
    ['answers without a body', () => 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['refuses in chunks', () => 'HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n', 502],
    ['does not know it', () => 'HTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n', 404],
    ['answers a number that is no status', () => 'HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n', 502],
  ]
  for (const [what, answer, status] of answers)
    test(`that ${what} is a ${status}`, async () => {
      const { gateway } = await startBroken(answer)
      const client = await openRaw(gateway.port, head('/v1/realtime?model=voice', gateway.key))
      expect(client.heard()).toStartWith(`HTTP/1.1 ${status} `)
      client.socket.destroy()
    })

  const frames: [string, Buffer, number][] = [
    ['masks its frames', encodeFrame(TEXT, Buffer.from('x'), Buffer.alloc(4)), 1011],
    ['sets reserved bits', Buffer.from([0xc1, 0]), 1011],
    ['sends an unknown kind', Buffer.from([0x83, 0]), 1011],
    ['goes on with what it has not begun', Buffer.from([0x80, 0]), 1011],
    ['sends a ping in parts', Buffer.from([0x09, 0]), 1011],
    ['closes with a code that is none', Buffer.from([0x88, 2, 0x03, 0xed]), 1011],
    ['sends text that is not UTF-8', Buffer.from([0x81, 1, 0xff]), 1011],
    ['sends a message that is too large', Buffer.from([0x82, 127, 0, 0, 0, 0, 0x7f, 0, 0, 0]), 1009],
  ]
  for (const [what, bytes, code] of frames)
    test(`that ${what} ends the session with ${code}`, async () => {
      const { gateway, url } = await startBroken(switching, { bytes })
      const { closed, heard } = await open(url, gateway.key)
      expect((await closed).code).toBe(code)
      expect(JSON.parse(String(heard.at(-1)))).toMatchObject({ type: 'error', error: { code: 'bad_upstream' } })
    })

  test('that does not read holds the client back', async () => {
    const { gateway, url } = await startBroken(switching, { reads: false })
    const { socket } = await open(url, gateway.key)
    let sent = 0
    while (socket.bufferedAmount < 8 * 1024 * 1024) {
      socket.send('x'.repeat(256 * 1024))
      sent += 256 * 1024
      await Bun.sleep(0)
      expect(sent).toBeLessThan(512 * 1024 * 1024)
    }
    expect(await memory(gateway)).toBeLessThan(32 * 1024 * 1024)
    socket.close()
  })

  test('that cannot be reached is passed over for the next one', async () => {
    const upstream = startRealtime()
    const gateway = await startGateway(
      'sqlite',
      `
upstreams:
  - { name: dead, base_url: "http://127.0.0.1:1/v1", models: [voice], weight: 1000 }
  - { name: one, base_url: "${upstream.url}", models: [voice], weight: 0 }
`,
    )
    stops.push(upstream.stop, gateway.stop)
    const { socket, heard } = await open(`${gateway.url}/v1/realtime?model=voice`, gateway.key)
    socket.send('hello')
    await until(() => heard.length === 1)
    socket.close()
  })
})

test('a server that is told to stop ends sessions with 1012 and an error event', async () => {
  const upstream = startRealtime()
  const yaml = `upstreams: [{ name: one, base_url: "${upstream.url}", models: [voice] }]`
  const gateway = await startGateway('sqlite', yaml, { KEYHALL_SHUTDOWN_SECONDS: '1' })
  stops.push(upstream.stop)
  const { closed, heard } = await open(`${gateway.url}/v1/realtime?model=voice`, gateway.key)
  const stopped = gateway.stop()
  expect(await closed).toEqual({ code: 1012, reason: 'server_stopping' })
  expect(JSON.parse(String(heard.at(-1)))).toMatchObject({ type: 'error', error: { code: 'server_stopping' } })
  await stopped
})

test('the part of the server with a port of its own makes its sockets there', async () => {
  const upstream = startRealtime()
  const yaml = `upstreams: [{ name: one, base_url: "${upstream.url}", models: [voice] }]`
  const gateway = await startGateway('sqlite', yaml, { KEYHALL_GATEWAY_PORT: '0' })
  stops.push(upstream.stop, gateway.stop)
  const { socket, heard } = await open(`${gateway.urls.gateway}/v1/realtime?model=voice`, gateway.key)
  socket.send('hello')
  await until(() => heard.length === 1)
  socket.close()
})
