/** A gateway in front of a fake upstream, asked by raw bytes, as an attacker would. */
import { afterAll, beforeAll, expect } from 'bun:test'
import { raw, startGateway, type GatewayServer } from './setup.ts'
import { SECRET, startUpstream, type FakeUpstream } from './upstream.ts'

/** All headers that a request to the upstream may have; Bun adds the last three. */
const allowed = new Set(
  'accept accept-encoding authorization content-length content-type idempotency-key openai-beta traceparent tracestate user-agent connection host transfer-encoding'.split(
    ' ',
  ),
)

export const body = '{"model":"tiny"}'

/** The engine that stores the keys makes no difference here. */
export function hostileGateway() {
  let upstream: FakeUpstream
  let server: GatewayServer
  beforeAll(async () => {
    upstream = startUpstream()
    upstream.models.push('headers')
    server = await startGateway('sqlite', null, {
      KEYHALL_UPSTREAM: upstream.url,
      KEYHALL_UPSTREAM_API_KEY: SECRET,
      KEYHALL_MAX_BODY: '64KiB',
      KEYHALL_MAX_UPLOAD: '1MiB',
    })
  })
  afterAll(async () => {
    await server.stop()
    await upstream.stop()
  })

  const lines = (line: string, headers: string[], content = '') =>
    [line, 'Host: keyhall.test', `Authorization: Bearer ${server.key}`, ...headers, '', content].join('\r\n')
  const post = (path: string, headers: string[] = [], content = body) =>
    lines(
      `POST ${path} HTTP/1.1`,
      ['Content-Type: application/json', `Content-Length: ${content.length}`, ...headers],
      content,
    )

  /** The status that comes back, and what the upstream got. */
  async function ask(bytes: string) {
    const before = upstream.sent.length
    const answer = await raw(server.port, bytes, 150)
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 0), answer, sent: upstream.sent.slice(before) }
  }

  const expectOurs = ({ headers }: FakeUpstream['sent'][number]) => {
    for (const name in headers) expect(allowed).toContain(name)
    expect(headers.authorization).toBe(`Bearer ${SECRET}`)
    expect(headers['accept-encoding']).toBe('identity')
    expect(headers.host).toBe(new URL(upstream.url).host)
  }

  return { server: () => server, upstream: () => upstream, lines, post, ask, expectOurs }
}
