/**
 * Forms, small and large: read whole before an upstream is asked, without being held in memory, and
 * gone afterwards.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { array, asyncProperty, assert, integer } from 'fast-check'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { Uploads } from '../../gateway/uploads.ts'
import { gatewayAlone, startGateway, until, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

const LARGE = 8 * 1024 * 1024

/** Files without a name that this process holds open; known on Linux alone. */
const unnamedFiles = () =>
  process.platform === 'linux'
    ? readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).includes('keyhall-upload-')
        } catch {
          return false
        }
      }).length
    : 0
const namedFiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith('keyhall-upload-')).length

describe('what was added to an upload', () => {
  test('is read as often as one likes, whatever its size and pieces', async () => {
    const uploads = new Uploads()
    await assert(
      asyncProperty(array(integer({ min: 1, max: 150_000 }), { minLength: 1, maxLength: 8 }), async (sizes) => {
        const upload = uploads.begin()
        const pieces = sizes.map((size) => new Uint8Array(randomBytes(size)))
        for (const piece of pieces) await upload.add(piece)
        const whole = Buffer.concat(pieces)
        expect(upload.size).toBe(whole.length)
        const { content } = upload
        for (let time = 0; time < 2; time++) {
          const read = content instanceof Uint8Array ? content : await new Response(content()).bytes()
          expect(whole.equals(read)).toBe(true)
        }
        expect(uploads.inFiles).toBe(whole.length > 256 * 1024 ? whole.length : 0)
        upload.close()
        upload.close()
        expect(uploads.inFiles).toBe(0)
      }),
      { numRuns: 60 },
    )
    await until(() => unnamedFiles() === 0)
    expect(namedFiles()).toBe(0)
  })

  test('leaves a twentieth of the disk free, however many uploads there are', async () => {
    const uploads: Uploads = new Uploads(() => ({ free: 1_050_000 - uploads.inFiles, total: 1_000_000 }))
    const tooMuch = await uploads
      .begin()
      .add(new Uint8Array(1_000_001))
      .catch((error: unknown) => error)
    expect(tooMuch).toMatchObject({ status: 503, code: 'no_room_for_upload' })
    const [one, other] = [uploads.begin(), uploads.begin()]
    await one.add(new Uint8Array(700_000))
    const refused = await other.add(new Uint8Array(400_000)).catch((error: unknown) => error)
    expect(refused).toMatchObject({ status: 503, code: 'no_room_for_upload' })
    other.close()
    expect(uploads.inFiles).toBe(700_000)
    const small = uploads.begin()
    await small.add(new Uint8Array(200_000))
    const grown = await small.add(new Uint8Array(200_000)).catch((error: unknown) => error)
    expect(grown).toMatchObject({ code: 'no_room_for_upload' })
    small.close()
    expect(uploads.inFiles).toBe(700_000)
    one.close()
    const again = uploads.begin()
    await again.add(new Uint8Array(1_000_000))
    again.close()
    expect(uploads.inFiles).toBe(0)
  })
})

describe('a form', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    upstream = startUpstream()
    server = await startGateway(
      'sqlite',
      `
upstreams:
  - name: dead
    base_url: http://127.0.0.1:1/v1
    models: [both]
  - name: quick
    base_url: "${upstream.url}"
    models: [tiny, both]
    timeouts: { first_byte: 0.5 }
`,
    )
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
    await until(() => unnamedFiles() === 0)
    expect(namedFiles()).toBe(0)
  })

  const head = `Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`
  const part = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const form = (model: string, size = LARGE, after = '') =>
    `--b\r\n${head}${'x'.repeat(size)}\r\n${part('model', model)}${after}--b--\r\n`
  const post = (body: string, path = '/audio/transcriptions') =>
    server.request('POST', path, body, { 'content-type': 'multipart/form-data; boundary=b' })
  /** What the log says of a request, once it says something. */
  async function lineOf({ headers }: Response) {
    const line = () => server.log().find(({ request_id }) => request_id === headers.get('x-request-id'))
    await until(() => line() !== undefined)
    return line()
  }

  for (const [what, size] of [
    ['small', 1000],
    ['large', LARGE],
  ] as const) {
    test(`that is ${what} may have its model behind the file, and the log knows it`, async () => {
      const answer = await post(form('tiny', size))
      expect(await answer.json()).toEqual({ text: `${form('tiny', size).length} bytes for tiny` })
      expect(upstream.sent.at(-1)!.headers['content-length']).toBe(String(form('tiny', size).length))
      expect(await lineOf(answer)).toMatchObject({ model: 'tiny', upstream: 'quick', status: 200 })
    })

    test(`that is ${what} goes to no upstream that does not serve its model`, async () => {
      const before = upstream.sent.length
      expect((await post(form('other', size))).status).toBe(404)
      expect((await post(form('tiny', size, part('model', 'other')))).status).toBe(400)
      expect(upstream.sent.length).toBe(before)
    })

    test(`that is ${what} goes to the next upstream when the first cannot be reached`, async () => {
      for (let time = 0; time < 3; time++) {
        const answer = await post(form('both', size))
        expect(await answer.json()).toEqual({ text: `${form('both', size).length} bytes for both` })
      }
    })
  }

  test('keeps its bytes', async () => {
    const bytes = randomBytes(3_000_000)
    const body = new FormData()
    body.append('file', new Blob([bytes]))
    const heard: string[] = []
    const echo = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        if (!request.url.endsWith('/files')) return Response.json({ data: [] })
        const file = (await request.formData()).get('file') as Blob
        heard.push(
          createHash('sha256')
            .update(new Uint8Array(await file.arrayBuffer()))
            .digest('hex'),
        )
        return Response.json({})
      },
    })
    const other = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: `${echo.url}v1` })
    const answer = await fetch(`${other.url}/v1/files`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${other.key}` },
    })
    expect(answer.status).toBe(200)
    expect(heard).toEqual([createHash('sha256').update(bytes).digest('hex')])
    await other.stop()
    await echo.stop(true)
  })

  /** Sends the beginning of a form and no more. */
  function begin(size: number) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: multipart/form-data; boundary=b\r\n` +
        `Content-Length: ${size + 100_000}\r\n\r\n--b\r\n${head}${'x'.repeat(size)}`,
    )
    return socket
  }

  test('that comes slowly does not use up the upstream’s time for its first byte', async () => {
    const body = form('tiny', 400_000)
    const slow = connect(server.port, '127.0.0.1')
    let answer = ''
    slow.on('data', (piece) => (answer += piece.toString('latin1')))
    slow.write(
      `POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: multipart/form-data; boundary=b\r\n` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
    )
    const before = upstream.sent.length
    for (let at = 0; at < body.length; at += 50_000) {
      expect(upstream.sent.length).toBe(before)
      slow.write(body.slice(at, at + 50_000))
      await Bun.sleep(100)
    }
    await until(() => answer.includes('bytes for tiny'))
  })

  test('whose client leaves is let go of at once, and no upstream hears of it', async () => {
    const before = upstream.sent.length
    const socket = begin(LARGE)
    if (process.platform === 'linux') await until(() => unnamedFiles() === 1)
    socket.destroy()
    await until(() => server.log().some(({ status }) => status === 499))
    await until(() => unnamedFiles() === 0)
    expect(upstream.sent.length).toBe(before)
  })

  test('that falls silent is a 408', async () => {
    const { gateway, forwarded } = gatewayAlone({ limits: { idle_milliseconds: 200 } })
    let isCancelled = false
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(form('tiny', 300_000).slice(0, 290_000))),
      cancel: () => void (isCancelled = true),
    })
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const url = 'http://keyhall.test/v1/audio/transcriptions'
    const answer = await gateway.fetch(new Request(url, { method: 'POST', body, headers }))
    expect(answer.status).toBe(408)
    expect(await answer.json()).toMatchObject({ error: { code: 'request_timeout' } })
    expect(isCancelled).toBe(true)
    expect(forwarded()).toEqual([])
    gateway.stop()
    await until(() => unnamedFiles() === 0)
  })
})
