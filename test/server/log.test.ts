/**
 * The log: nothing that a caller writes steers the terminal of whoever reads it, and no key stands
 * in it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { RequestLine } from '../../http/request-line.ts'
import { Log } from '../../server/log.ts'
import { realWorld } from '../../world/world.ts'
import { ADMIN_KEY, raw, startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'

const line: RequestLine = {
  request_id: 'req_1',
  component: 'gateway',
  method: 'POST',
  path: '/v1/chat/completions',
  operation: 'chat',
  status: 200,
  milliseconds: 1,
  organization_id: null,
  project_id: null,
  key_id: null,
  ip_address: null,
  cause: undefined,
  storage_error: null,
}

test('a readable line holds no control character and none that changes the text direction', () => {
  const codes = [
    ...Array.from({ length: 0x20 }, (_, code) => code),
    ...Array.from({ length: 0x21 }, (_, code) => 0x7f + code),
    0x61c,
    0x200e,
    0x200f,
    0x2028,
    0x2029,
    0x202a,
    0x202b,
    0x202c,
    0x202d,
    0x202e,
    0x2066,
    0x2067,
    0x2068,
    0x2069,
  ]
  for (const code of codes) {
    const character = String.fromCharCode(code)
    const evil = `a${character}[2Jb`
    let written = ''
    const log = new Log({ level: 'info', write: (text) => (written += text), world: realWorld, readable: true })
    const answered = { upstream_request_id: evil, failed_attempts: [evil], upstream_milliseconds: 1, ended: null }
    const forwarded = { model: evil, upstream: evil, ...answered }
    log.request({ ...line, path: `/${evil}`, method: evil, forwarded })
    // Line breaks of a cause are those of its stack.
    log.request({ ...line, status: 500, cause: code === 0x0a ? 'a' : new Error(evil, { cause: evil }) })
    log.say('info', evil, { text: evil, list: [evil] })
    log.flush()
    expect({ code, found: written.replaceAll('\n', '').includes(character) }).toEqual({ code, found: false })
    if (code === 0x0a) expect(written.split('\n')).toHaveLength(5)
  }
})

for (const engine of engines)
  describe(`keys where none belong (${engine})`, () => {
    let server: GatewayServer
    beforeAll(async () => {
      server = await startGateway(engine, null)
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const percent = (text: string) => text.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)
    const again = (text: string) => text.replaceAll('%', '%25')
    /** With the digits of each percent sign encoded as well. */
    const digits = (text: string) => text.replace(/%(..)/g, (_, hex: string) => `%25${percent(hex)}`)

    test('a key in a path is masked in the log, however often it is percent-encoded', async () => {
      const { key } = server
      const spellings = [key, percent(key)]
      for (let times = 0; times < 12; times++) spellings.push(again(spellings.at(-1)!))
      spellings.push(digits(percent(key)), digits(digits(percent(key))), again(digits(percent(key))))
      const short = spellings.filter(({ length }) => length < 14_000)
      for (const [n, spelling] of short.entries())
        await raw(
          server.port,
          `GET /v1/organization/${n}/${spelling} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nConnection: close\r\n\r\n`,
        )
      const logged = (n: number) =>
        server.log().find(({ path }) => String(path).startsWith(`/v1/organization/${n}/`))?.path as string
      await until(() => logged(short.length - 1) !== undefined)
      for (const n of short.keys()) expect(logged(n)).toMatch(/^\/v1\/organization\/\d+\/sk-[a-z]+-\*{12}\w{4}$/)
    })

    test('what is encoded more often than anybody needs is not shown at all', async () => {
      const path = `/v1/organization/deep/${'%2'.repeat(40)}5${'35'.repeat(40)}${percent(server.key)}`
      await raw(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      await until(() => server.log().some(({ path }) => String(path).includes('encoded')))
      expect(JSON.stringify(server.log())).not.toContain('/deep/')
    })

    test('a key in User-Agent is masked before it reaches the audit log', async () => {
      const { key } = server
      for (const agent of [`curl ${key}`, `curl ${percent(key)}`, `curl ${again(again(percent(key)))}`]) {
        const made = await fetch(`${server.url}/v1/organization/projects`, {
          method: 'POST',
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'user-agent': agent },
          body: '{"name":"named by a key"}',
        })
        expect(made.status).toBe(200)
        const [event] = (await server.admin.admin.organization.auditLogs.list({ limit: 1 })).data
        const kept = JSON.stringify(event).match(/"user_agent":"([^"]*)"/)?.[1]
        expect(kept).toBe(`curl sk-svcacct-${'*'.repeat(12)}${key.slice(-4)}`)
      }
    })
  })
