/**
 * Bodies that do not arrive whole: the client leaves, takes too long, or sends something behind the
 * end.
 */
import { afterAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import type { Limits } from '../../gateway/body-reading.ts'
import type { RequestLine } from '../../http/request-line.ts'
import { gatewayAlone, raw, until } from './setup.ts'

const stops: (() => unknown)[] = []
afterAll(async () => {
  for (const stop of stops) await stop()
})

/** The gateway alone on a port, with everything that it logged. */
function listening(limits: Partial<Limits> = {}) {
  const lines: RequestLine[] = []
  const { gateway, forwarded } = gatewayAlone({ limits, log: (line) => void lines.push(line) })
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', development: false, fetch: gateway.fetch })
  stops.push(() => (gateway.stop(), server.stop(true)))
  return { port: server.port!, lines, forwarded }
}

const head = (type: string, framing: string) =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: keyhall.test\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n`
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const CHUNKED = 'Transfer-Encoding: chunked'
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'multipart/form-data; boundary=b'
// Without a model, so that its one upstream gets it.
const json = '{"messages":[]}'
const form = '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'

const begun = {
  'JSON, announced': head(JSON_TYPE, 'Content-Length: 1000') + json,
  'JSON, announced and large': head(JSON_TYPE, 'Content-Length: 10000000') + json,
  'JSON in chunks': head(JSON_TYPE, CHUNKED) + chunk(json),
  'a form': head(FORM_TYPE, 'Content-Length: 1000') + form,
  'a form in chunks': head(FORM_TYPE, CHUNKED) + chunk(form),
}
for (const [what, bytes] of Object.entries(begun))
  test(`a client that leaves while its body is being read counts as 499, not as an error: ${what}`, async () => {
    const { port, lines, forwarded } = listening()
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    await Bun.sleep(100)
    socket.destroy()
    await until(() => lines.length > 0)
    expect(lines).toMatchObject([{ status: 499, cause: undefined, forwarded: { ended: 'client left' } }])
    expect(forwarded()).toEqual([])
  })

test('a form that comes byte by byte is given up after its time, however often a byte comes', async () => {
  const { port, lines, forwarded } = listening({ upload_milliseconds: 1_000, idle_milliseconds: 600 })
  let answer = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(head(FORM_TYPE, 'Content-Length: 10000')))
  socket.on('data', (piece) => (answer += piece.toString('latin1')))
  socket.on('error', () => {})
  let at = 0
  const drip = setInterval(() => socket.write(`--b\r\n${'x'.repeat(9_000)}`[at++]!), 50)
  await until(() => answer.includes('request_timeout'))
  clearInterval(drip)
  socket.destroy()
  expect(answer).toStartWith('HTTP/1.1 408 ')
  // It was not silence that ended it.
  expect(at).toBeGreaterThan(10)
  expect(lines).toMatchObject([{ status: 408 }])
  expect(forwarded()).toEqual([])
})

for (const [what, type, body] of [
  ['JSON', JSON_TYPE, json],
  ['a form', FORM_TYPE, form],
] as const) {
  test(`${what} in chunks with trailers behind it is not forwarded, and answered 400`, async () => {
    for (const announced of ['', 'Trailer: X-Sum\r\n']) {
      const { port, forwarded } = listening()
      const bytes = `${head(type, announced + CHUNKED)}${chunk(body)}0\r\nX-Sum: 1\r\n\r\n`
      expect(await raw(port, bytes)).toStartWith('HTTP/1.1 400 ')
      expect(forwarded()).toEqual([])
    }
  })

  test(`${what} in chunks is forwarded, also when its end comes in pieces`, async () => {
    for (const pieces of [[`${chunk(body)}0\r\n\r\n`], [chunk(body), '0\r\n\r\n'], [chunk(body), '0\r\n', '\r\n']]) {
      const { port, forwarded } = listening()
      let answer = ''
      const socket = connect(port, '127.0.0.1')
      socket.on('data', (piece) => (answer += piece.toString('latin1')))
      socket.write(head(type, CHUNKED))
      for (const piece of pieces) {
        await Bun.sleep(30)
        socket.write(piece)
      }
      await until(() => answer !== '')
      socket.destroy()
      expect(answer).toStartWith('HTTP/1.1 200 ')
      expect(forwarded()).toHaveLength(1)
    }
  })
}
