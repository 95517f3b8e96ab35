/** JSON that begins and does not end: a 408 in time, and no upstream hears of it. */
import { expect, test } from 'bun:test'
import { gatewayAlone, raw } from './setup.ts'

const begun = '{"model":"tiny","messages":['
const framings = {
  announced: `Content-Length: 1000\r\n\r\n${begun}`,
  'in chunks': `Transfer-Encoding: chunked\r\n\r\n${begun.length.toString(16)}\r\n${begun}\r\n`,
}

for (const [framing, rest] of Object.entries(framings))
  test(`a body that stalls is a 408, ${framing}`, async () => {
    const statuses: number[] = []
    const { gateway, forwarded } = gatewayAlone({
      limits: { body_milliseconds: 200 },
      log: ({ status }) => void statuses.push(status),
    })
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: gateway.fetch })
    const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: keyhall.test\r\nContent-Type: application/json\r\n'
    const answer = await raw(server.port!, head + rest, 1000)
    expect(answer).toStartWith('HTTP/1.1 408 ')
    const { error } = JSON.parse(answer.split('\r\n\r\n')[1]!) as { error: object }
    expect(error).toEqual({
      message: 'The body of the request did not arrive in time.',
      type: 'invalid_request_error',
      param: null,
      code: 'request_timeout',
    })
    expect(statuses).toEqual([408])
    expect(forwarded()).toEqual([])
    gateway.stop()
    await server.stop(true)
  })
