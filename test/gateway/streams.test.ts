import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { APIError } from 'openai'
import { connect } from 'node:net'
import { Deadlines } from '../../gateway/deadlines.ts'
import { noReservations } from '../../gateway/policies/reservations.ts'
import { StreamRelay } from '../../gateway/relay-stream.ts'
import { realWorld } from '../../world/world.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { event, SECRET, startRawUpstream, startUpstream, type FakeUpstream } from './upstream.ts'

const chunked = (type: string, ...pieces: string[]) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n` +
  pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')

/** Which engine stores the keys makes no difference here. */
describe('answers that break', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  const raws: Awaited<ReturnType<typeof startRawUpstream>>[] = []

  /** Models that each have a server of their own, which says these bytes. */
  const says: Record<string, [bytes: string | null, then: 'close' | 'hang']> = {
    'breaks-between-events': [chunked('text/event-stream', event('Hel')), 'close'],
    'breaks-in-an-event': [chunked('text/event-stream', event('Hel'), 'data: {"id'), 'close'],
    'breaks-json': [
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id":"chat`,
      'close',
    ],
    'breaks-audio': [chunked('audio/mpeg', 'ID3', 'abcdef'), 'close'],
    'stalls-json': [
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id":"chat`,
      'hang',
    ],
    'stalls-audio': [chunked('audio/mpeg', 'ID3'), 'hang'],
    hangs: [null, 'hang'],
    'hangs-up': [null, 'close'],
    garbage: ['\x16\x03\x01 this is no HTTP\r\n\r\n', 'close'],
    'status-700': ['HTTP/1.1 700 Fine\r\nContent-Length: 2\r\n\r\n{}', 'hang'],
    'status-999': [chunked('text/event-stream', event('Hel')).replace('200 OK', '999 Fine'), 'hang'],
    'no-content': ['HTTP/1.1 204 No Content\r\n\r\n', 'close'],
  }

  beforeAll(async () => {
    upstream = startUpstream()
    const entry = (name: string, url: string, model: string) =>
      `  - { name: ${name}, base_url: "${url}", api_key: "\${KEY}", models: [${model}], timeouts: { first_byte: 0.5, idle: 0.5 } }`
    const entries = [entry('good', upstream.url, '"*"')]
    for (const [model, [bytes, then]] of Object.entries(says)) {
      const one = await startRawUpstream(bytes, then)
      raws.push(one)
      entries.push(entry(model, one.url, model))
    }
    // The good one serves every model by its pattern; weight 0 keeps it away from those that
    // another serves.
    entries[0] = entries[0]!
      .replace('timeouts', 'weight: 0, timeouts')
      .replace('"*"', 'words, "stalls*", endless, redirects, forbids')
    server = await startGateway('sqlite', `upstreams:\n${entries.join('\n')}\n`, { KEY: SECRET })
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
    for (const one of raws) one.stop()
  })

  const ask = (model: string, path = '/chat/completions') => server.request('POST', path, { model, stream: true })
  const ended = (model: string) =>
    until(() => server.log().some((line) => line.model === model && line.ended !== undefined))
  const line = (model: string) => server.log().findLast((one) => one.model === model && one.ended !== undefined)

  test('a stream passes byte for byte', async () => {
    const response = await ask('words')
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await response.text()).toBe(`${event('Hel')}${event('lo.')}data: [DONE]\n\n`)
  })

  for (const [model, code] of [
    ['stalls', 'upstream_timeout'],
    ['breaks-between-events', 'bad_upstream'],
  ] as const)
    test(`${model}: the stream ends with an event that says so, and the SDK raises it`, async () => {
      const text = await (await ask(model)).text()
      expect(text).toStartWith(event('Hel'))
      const last = JSON.parse(text.slice(event('Hel').length).replace('data: ', '')) as { error: { code: string } }
      expect(last.error).toMatchObject({ code, type: 'server_error', param: null })
      await ended(model)
      expect(line(model)!.ended).toBe(model === 'stalls' ? 'upstream stalled' : 'upstream broke off')
      const stream = await server
        .client()
        .chat.completions.create({ model, stream: true, messages: [{ role: 'user', content: '?' }] })
      const raised = await (async () => {
        for await (const _ of stream);
      })().catch((error) => error)
      expect(raised).toBeInstanceOf(APIError)
      expect(raised.code).toBe(code)
    })

  test('an event ends at its empty line, even if that arrives in two pieces', async () => {
    const after = async (...pieces: string[]) => {
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift()
          if (piece === undefined) controller.error(new Error('broken'))
          else controller.enqueue(Buffer.from(piece))
        },
      })
      const relay = new StreamRelay(source, {
        idle_milliseconds: 1000,
        deadline: new Deadlines(realWorld).begin(new AbortController().signal),
        abort() {},
        onEnd() {},
        isEvents: true,
        reservations: noReservations,
      })
      return new Response(relay.stream).text().catch(() => 'broken')
    }
    for (const pieces of [
      ['data: 1', '\n', '\n'],
      ['data: 1\n', '\n'],
      ['data: 1\r\n', '\r', '\n'],
      ['data: 1\r', '\n\r\n'],
      [],
    ])
      expect(await after(...pieces)).toContain('"error"')
    for (const pieces of [
      ['data: 1', '\n'],
      ['data: 1\n\n', 'd'],
      ['data: 1\r', '\n'],
      ['\n', 'x\n'],
    ])
      expect(await after(...pieces)).toBe('broken')
  })

  for (const model of ['stalls-in-an-event', 'breaks-in-an-event', 'breaks-audio', 'stalls-audio'])
    test(`${model}: the connection breaks, so that nobody takes the half for the whole`, async () => {
      // A path whose events nobody looks at, so that they pass in pieces.
      const response = await ask(model, '/unknown')
      expect(response.status).toBe(200)
      expect(await response.text().catch(() => 'broken')).toBe('broken')
    })

  for (const [model, code] of [
    ['stalls-in-an-event', 'upstream_timeout'],
    ['breaks-in-an-event', 'bad_upstream'],
  ] as const)
    test(`${model}: where events are metered only whole ones pass, and the last one is the error`, async () => {
      const events = (await (await ask(model)).text()).split('\n\n')
      expect(events.pop()).toBe('')
      for (const one of events) JSON.parse(one.replace('data: ', ''))
      expect(JSON.parse(events.at(-1)!.replace('data: ', ''))).toMatchObject({ error: { code } })
    })

  test('an upstream that stalls is left alone', async () => {
    await (await ask('stalls')).text()
    await upstream.sent.at(-1)!.aborted
  })

  for (const [model, status, code] of [
    ['breaks-json', 502, 'bad_upstream'],
    ['stalls-json', 504, 'upstream_timeout'],
    ['hangs', 504, 'upstream_timeout'],
    ['hangs-up', 502, 'upstream_unreachable'],
    ['garbage', 502, 'upstream_unreachable'],
    ['redirects', 502, 'bad_upstream'],
    ['forbids', 502, 'bad_upstream'],
    ['status-700', 502, 'bad_upstream'],
    ['status-999', 502, 'bad_upstream'],
  ] as const)
    test(`${model}: ${status}, and the cause is in the log alone`, async () => {
      const response = await ask(model)
      const text = await response.text()
      expect(response.status).toBe(status)
      expect(JSON.parse(text)).toEqual({
        error: { message: expect.any(String), type: 'server_error', param: null, code },
      })
      expect(text).not.toContain(SECRET)
      expect(text).not.toContain('127.0.0.1')
      await until(() => typeof line(model)?.cause === 'string')
      expect(line(model)!.cause).toContain('upstream "')
    })

  test('an invalid upstream status is logged once, and its connection is closed', async () => {
    for (const model of ['status-700', 'status-999']) {
      const lines = () => server.log().filter((line) => line.model === model).length
      const before = lines()
      await ask(model)
      await until(() => lines() > before)
      await Bun.sleep(100)
      expect(lines()).toBe(before + 1)
    }
    // Its body has no end: only we can close that.
    const endless = raws[Object.keys(says).indexOf('status-999')]!
    await until(() => endless.open() === 0)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/^keyhall_open_streams 0$/m)
  })

  test('an answer without a body passes', async () => {
    const response = await ask('no-content')
    expect([response.status, await response.text()]).toEqual([204, ''])
  })

  test('a slow reader slows the upstream down; one that reads nothing is cut off', async () => {
    const body = '{"model":"endless"}'
    const socket = connect(server.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.pause()
    socket.write(
      `POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => upstream.given() > 0)
    const memory = process.memoryUsage().rss
    await ended('endless')
    expect(line('endless')!.ended).toBe('client left')
    // What the buffers of four sockets hold; without back-pressure the upstream gives gigabytes in
    // that time.
    expect(upstream.given()).toBeLessThan(64 * 1024 * 1024)
    expect(process.memoryUsage().rss - memory).toBeLessThan(128 * 1024 * 1024)
    await upstream.sent.at(-1)!.aborted
    // Without reading on: its connection and what waits in it would otherwise be kept for as long
    // as it likes.
    await closed
  })
})
