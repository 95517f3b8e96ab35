/**
 * Parts of the server on ports of their own, who may read the metrics, and requests with two Hosts.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { networkInterfaces } from 'node:os'
import { folder } from '../cli/command.ts'
import { ADMIN_KEY, raw, startGateway, type GatewayServer } from '../gateway/setup.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'
import { hasNginx, startNginx } from '../nginx.ts'
import { engines } from '../setup.ts'

setDefaultTimeout(60_000)

const withKey = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })
const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

for (const engine of engines)
  describe(`ports of their own (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(engine, `upstreams: [{ name: near, base_url: "${upstream.url}" }]`, {
        KEYHALL_ADMIN_PORT: '0',
        KEYHALL_GATEWAY_PORT: '0',
        KEYHALL_METRICS_PORT: '0',
      })
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    test('each part is answered on its own port and on no other', async () => {
      const paths: Record<string, { path: string; init?: RequestInit }> = {
        admin: { path: '/v1/organization/projects', init: withKey(ADMIN_KEY) },
        gateway: { path: '/v1/models', init: withKey(server.key) },
        metrics: { path: '/metrics' },
      }
      const others = { admin: ['/openapi.json', '/invites/accept'], gateway: ['/verify'], metrics: [] }
      for (const [on, url] of Object.entries(server.urls)) {
        expect(await status(`${url}/health`)).toBe(200)
        for (const [part, { path, init }] of Object.entries(paths))
          expect({ on, path, status: await status(url + path, init) }).toEqual({
            on,
            path,
            status: part === on ? 200 : 404,
          })
        for (const [part, more] of Object.entries(others))
          for (const path of more)
            expect({ on, path, status: await status(url + path, withKey(server.key)) }).toEqual({
              on,
              path,
              status: part === on ? 200 : 404,
            })
      }
    })

    test('what is not answered on a port is an error in the shape of OpenAI, and in the log', async () => {
      const answer = await fetch(`${server.urls.gateway}/v1/organization/projects`, withKey(ADMIN_KEY))
      expect(await answer.json()).toEqual({
        error: {
          message: 'Invalid URL (GET /v1/organization/projects)',
          type: 'invalid_request_error',
          param: null,
          code: null,
        },
      })
      expect(answer.headers.get('x-request-id')).toMatch(/^req_/)
    })
  })

describe('a port that is taken', () => {
  test('is refused in a sentence that names the flag, before a key is made', async () => {
    const taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
    const failed = await startGateway('sqlite', null, { KEYHALL_ADMIN_PORT: String(taken.port) }).catch(String)
    expect(failed).toContain(
      `Port ${taken.port} on 127.0.0.1 is taken; stop what listens there, or choose another with --admin-port.`,
    )
    await taken.stop(true)
  })
})

/** An address of this machine that is not of the loopback network. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one && one.family === 'IPv4' && !one.internal)?.address

describe('metrics on the main port', () => {
  let server: GatewayServer
  let open: GatewayServer
  beforeAll(async () => {
    server = await startGateway('sqlite', null, { KEYHALL_HOST: '0.0.0.0' })
    open = await startGateway('sqlite', null, { KEYHALL_HOST: '0.0.0.0', KEYHALL_METRICS_ACCESS: 'all' })
  })
  afterAll(async () => {
    await server.stop()
    await open.stop()
  })

  test('are answered to callers on this machine', async () => {
    expect(await status(`http://127.0.0.1:${server.port}/metrics`)).toBe(200)
  })

  test.skipIf(!outside)('are refused to callers from elsewhere, unless a setting opens them', async () => {
    const answer = await fetch(`http://${outside}:${server.port}/metrics`)
    expect(answer.status).toBe(403)
    expect(await answer.text()).toContain('KEYHALL_METRICS_ACCESS=all')
    expect(await status(`http://${outside}:${open.port}/metrics`)).toBe(200)
  })

  test('are refused to what a proxy on this machine passes on', async () => {
    for (const name of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP']) {
      const headers = { [name]: '127.0.0.1' }
      expect(await status(`http://127.0.0.1:${server.port}/metrics`, { headers })).toBe(403)
      expect(await status(`http://127.0.0.1:${open.port}/metrics`, { headers })).toBe(200)
    }
  })

  test('a request with two Host headers is a 400, whatever they say and wherever it goes', async () => {
    const pairs = [
      ['keyhall.test', 'keyhall.test'],
      ['keyhall.test', 'other.test'],
      ['', 'keyhall.test'],
      ['keyhall.test', ''],
      ['', ''],
    ]
    for (const [one, other] of pairs)
      for (const path of ['/v1/organization/projects', '/v1/models', '/verify', '/metrics', '/health'])
        for (const middle of ['', `Authorization: Bearer ${server.key}\r\n`]) {
          const answer = await raw(
            server.port,
            `GET ${path} HTTP/1.1\r\nHost: ${one}\r\n${middle}hOsT: ${other}\r\nConnection: close\r\n\r\n`,
          )
          expect(answer).toStartWith('HTTP/1.1 400 ')
          expect(answer).toContain('must have one Host header')
        }
    const single = `GET /health HTTP/1.1\r\nHost: keyhall.test\r\nConnection: close\r\n\r\n`
    expect(await raw(server.port, single)).toStartWith('HTTP/1.1 200 ')
  })
})

if (!hasNginx)
  console.log('SKIPPED: nginx is not installed, so parts of the server behind its path rules are not tested')

describe.skipIf(!hasNginx)('behind nginx', () => {
  const place = folder()
  let together: GatewayServer
  let apart: GatewayServer
  let upstream: FakeUpstream
  const proxies: Awaited<ReturnType<typeof startNginx>>[] = []

  /** nginx with path rules that are meant to keep metrics and administration from the outside. */
  async function nginxBefore(url: string): Promise<number> {
    const home = `${place.path}/${proxies.length}`
    const http = (port: number) => `server { listen 127.0.0.1:${port};
      location /metrics { return 403; }
      location /v1/organization { return 403; }
      location / { proxy_pass ${url}; } }`
    const nginx = await startNginx(home, http)
    proxies.push(nginx)
    return nginx.port
  }

  beforeAll(async () => {
    upstream = startUpstream()
    const yaml = `upstreams: [{ name: near, base_url: "${upstream.url}" }]`
    together = await startGateway('sqlite', yaml)
    apart = await startGateway('sqlite', yaml, { KEYHALL_ADMIN_PORT: '0', KEYHALL_METRICS_PORT: '0' })
  })
  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop()
    await together.stop()
    await apart.stop()
    await upstream.stop()
    place.remove()
  })

  const ask = async (port: number, path: string) => {
    const answer = await raw(
      port,
      `GET ${path} HTTP/1.1\r\nHost: keyhall.test\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nConnection: close\r\n\r\n`,
    )
    return Number(answer.slice(9, 12))
  }
  const around = ['/x\\..\\metrics', '/v1/chat\\..\\organization\\projects']

  test('path rules do not protect metrics and administration on the same port', async () => {
    const port = await nginxBefore(together.url)
    for (const path of ['/metrics', '/v1/organization/projects']) expect(await ask(port, path)).toBe(403)
    for (const path of around) expect(await ask(port, path)).toBe(200)
  })

  test('a part with a port of its own is reached through no other, whatever the path', async () => {
    const port = await nginxBefore(apart.urls.gateway)
    for (const path of [...around, '/v1/x/%2e%2e/organization/projects', '/x/../metrics', '/openapi.json'])
      expect([403, 404]).toContain(await ask(port, path))
    const headers = { authorization: `Bearer ${apart.key}` }
    expect(await status(`http://127.0.0.1:${port}/v1/models`, { headers })).toBe(200)
  })
})
