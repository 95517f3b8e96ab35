/**
 * Forms as real clients write them, and a client that leaves a stream: what works today stays so.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

/** Which engine stores the keys makes no difference here. */
describe('a form', () => {
  let upstream: FakeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    upstream = startUpstream()
    upstream.models.push('stalls')
    server = await startGateway(
      'sqlite',
      `
upstreams:
  - { name: dead, base_url: "http://127.0.0.1:1/v1", default: true }
  - { name: near, base_url: "${upstream.url}", models: [whisper, stalls] }
`,
    )
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
  })

  const file = 'Content-Disposition: form-data; name="file"; filename="a.wav"'
  const model = 'Content-Disposition: form-data; name="model"'

  /** Through a socket, so that nothing of it is written in another way. */
  async function send(head: string[], pieces: string[]): Promise<string> {
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (piece) => (answer += piece.toString('latin1')))
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.on('close', resolve))
    const lines = [
      'POST /v1/audio/transcriptions HTTP/1.1',
      'Host: keyhall.test',
      `Authorization: Bearer ${server.key}`,
    ]
    socket.write([...lines, 'Connection: close', ...head, '', ''].join('\r\n'))
    for (const piece of pieces) {
      socket.write(piece, 'latin1')
      // So that it is another piece for the server too.
      await Bun.sleep(5)
    }
    await closed
    return answer
  }
  const announced = (type: string, form: string) =>
    send([`Content-Type: ${type}`, `Content-Length: ${form.length}`], [form])
  const expectFound = (answer: string, form: string) => {
    expect(answer).toStartWith('HTTP/1.1 200 ')
    expect(answer).toContain(`${form.length} bytes for whisper`)
    expect(upstream.sent.at(-1)!.body).toBe(form)
  }

  test('may have the file before its model', async () => {
    const form = `--b\r\n${file}\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--b\r\n${model}\r\n\r\nwhisper\r\n--b--\r\n`
    expectFound(await announced('multipart/form-data; boundary=b', form), form)
  })

  test('may have parts without a content type', async () => {
    const form = `--b\r\n${model}\r\n\r\nwhisper\r\n--b\r\n${file}\r\n\r\nRIFF\r\n--b--\r\n`
    expectFound(await announced('multipart/form-data; boundary=b', form), form)
  })

  test('may have its boundary in quotes, also one that must be', async () => {
    for (const boundary of ['b', '=_a b:c?']) {
      const form = `--${boundary}\r\n${file}\r\n\r\nRIFF\r\n--${boundary}\r\n${model}\r\n\r\nwhisper\r\n--${boundary}--\r\n`
      const type = `multipart/form-data; charset=utf-8; boundary="${boundary}"`
      expect(await announced(type, form)).toStartWith('HTTP/1.1 200 ')
      expect(upstream.sent.at(-1)).toMatchObject({ body: form, headers: { 'content-type': type } })
    }
  })

  test('may come in chunks and not say its length, small or large', async () => {
    for (const size of [10, 400_000]) {
      const form = `--b\r\n${file}\r\n\r\n${'x'.repeat(size)}\r\n--b\r\n${model}\r\n\r\nwhisper\r\n--b--\r\n`
      const pieces = [form.slice(0, 3), form.slice(3, 90), form.slice(90, -20), form.slice(-20)]
      const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
      const head = ['Content-Type: multipart/form-data; boundary=b', 'Transfer-Encoding: chunked']
      const answer = await send(head, [...chunks, '0\r\n\r\n'])
      expect(answer).toStartWith('HTTP/1.1 200 ')
      expect(answer).toContain(`${form.length} bytes for whisper`)
      expect(upstream.sent.at(-1)!.headers['content-length']).toBe(String(form.length))
    }
  })

  test('that names a model which no policy saw goes nowhere', async () => {
    const before = upstream.sent.length
    const form = `--b\r\n${model}\r\n\r\nwhisper\r\n--b\r\n${model}\r\n\r\nstalls\r\n--b--\r\n`
    expect(await announced('multipart/form-data; boundary="b"', form)).toStartWith('HTTP/1.1 400 ')
    expect(upstream.sent).toHaveLength(before)
  })

  test('a client that leaves after the first event ends its upstream at once', async () => {
    const body = JSON.stringify({ model: 'stalls', messages: [], stream: true })
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (piece) => (answer += piece.toString('latin1')))
    socket.on('error', () => {})
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => answer.includes('data: '))
    const asked = upstream.sent.at(-1)!
    socket.destroy()
    // The upstream stalls, so nothing but this end closes its connection; its own limit is five
    // minutes.
    await asked.aborted
    await until(() => server.log().some(({ model, ended }) => model === 'stalls' && ended === 'client left'))
  })
})
