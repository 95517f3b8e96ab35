/** The address of a client: what proxies appended is believed, what is no address is not. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ADMIN_KEY, startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'

for (const engine of engines)
  describe(`the address of a client behind one proxy (${engine})`, () => {
    let server: GatewayServer
    beforeAll(async () => {
      server = await startGateway(engine, null, { KEYHALL_TRUSTED_PROXIES: '1' })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const cases: Record<string, string> = {
      '203.0.113.7': '203.0.113.7',
      '198.51.100.1, 203.0.113.7': '203.0.113.7',
      '<script>, 203.0.113.7:5123': '203.0.113.7',
      '2001:db8::7': '2001:db8::7',
      '[2001:db8::7]': '2001:db8::7',
      '[2001:db8::7]:5123': '2001:db8::7',
      // No addresses: the one of the socket is taken.
      '203.0.113.7, not an address; drop': '127.0.0.1',
      '<script>alert(1)</script>': '127.0.0.1',
      '203.0.113.700': '127.0.0.1',
      '203.0.113.7:x': '127.0.0.1',
      '[203.0.113.7]': '127.0.0.1',
      '[2001:db8::7': '127.0.0.1',
      '203.0.113.7:123456': '127.0.0.1',
      '203.0.113.7,': '127.0.0.1',
      unknown: '127.0.0.1',
    }

    test('is in the audit log and the request log, and is always an IP address', async () => {
      for (const [forwardedFor, expected] of Object.entries(cases)) {
        const answer = await fetch(`${server.url}/v1/organization/projects`, {
          method: 'POST',
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'x-forwarded-for': forwardedFor },
          body: JSON.stringify({ name: 'behind a proxy' }),
        })
        const request_id = answer.headers.get('x-request-id')
        const [event] = (await server.admin.admin.organization.auditLogs.list({ limit: 1 })).data
        const actor = event!.actor as { api_key?: unknown; session?: { ip_address?: string } }
        expect({ forwardedFor, address: JSON.stringify(actor).match(/"ip_address":"([^"]*)"/)?.[1] }).toEqual({
          forwardedFor,
          address: expected,
        })
        await until(() => server.log().some((line) => line.request_id === request_id))
        expect(server.log().find((line) => line.request_id === request_id)).toMatchObject({ ip_address: expected })
      }
    })

    test('is the one that an IP allow list is asked for', async () => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'x-forwarded-for': '203.0.113.7' }
      const send = async (path: string, body: object) => {
        const request = { method: 'POST', headers, body: JSON.stringify(body) }
        const answer = await fetch(`${server.url}/v1/organization/ip_allowlists${path}`, request)
        expect(answer.status).toBe(200)
        return ((await answer.json()) as { id: string }).id
      }
      const id = await send('', { name: 'Office', allowed_ips: ['203.0.113.0/24'] })
      await send('/activate', { ip_allowlist_ids: [id] })
      const statuses = async (forwardedFor: string) => {
        const from = { 'x-forwarded-for': forwardedFor }
        const verified = await fetch(`${server.url}/verify`, {
          headers: { authorization: `Bearer ${server.key}`, ...from },
        })
        const administered = await fetch(`${server.url}/v1/organization/projects`, { headers: { ...headers, ...from } })
        return [verified.status, administered.status]
      }
      expect(await statuses('203.0.113.7')).toEqual([200, 200])
      expect(await statuses('198.51.100.1, 203.0.113.7')).toEqual([200, 200])
      // The client claims an address of the office; the proxy appended its own.
      expect(await statuses('203.0.113.7, 198.51.100.1')).toEqual([401, 401])
      expect(await statuses('203.0.113.7, nonsense')).toEqual([401, 401])
      await send('/deactivate', { ip_allowlist_ids: [id] })
      expect(await statuses('198.51.100.1')).toEqual([200, 200])
    })
  })
