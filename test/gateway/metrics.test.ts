import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { engines } from '../setup.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

/** The samples by their name with labels. */
async function samples(url: string): Promise<Record<string, number>> {
  const response = await fetch(`${url}/metrics`)
  expect(response.headers.get('content-type')).toStartWith('text/plain; version=0.0.4')
  const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

for (const engine of engines)
  describe(`metrics (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(
        engine,
        `upstreams: [{ name: near, base_url: "${upstream.url}", models: [tiny, words, stalls, "*"], timeouts: { idle: 30 } }]`,
      )
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })
    const ask = (model: string, key = server.key) =>
      server.request('POST', '/chat/completions', { model }, { authorization: `Bearer ${key}` })

    test('are those of the reference, and no others', async () => {
      const shown = (await (await fetch(`${server.url}/metrics`)).text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)
      const page = readFileSync(join(import.meta.dir, '../../docs/reference/metrics.md'), 'utf8')
      const listed = page.matchAll(/^\| `((?:keyhall|process|nodejs)_\w+)` +\| (\w+)/gm)
      const named = (all: Iterable<RegExpExecArray>) => [...all].map(([, name, type]) => `${name} ${type}`).toSorted()
      // This one is there where browsers may ask.
      const always = named(listed).filter((metric) => metric !== 'keyhall_preflights_total counter')
      expect(named(shown)).toEqual(always)
    })

    test('has those of the process: memory, CPU time, files, and how late the event loop was', async () => {
      await samples(server.url)
      const began = performance.now()
      while (performance.now() - began < 150);
      // The next sample of the loop's lag is taken after the loop was blocked.
      await Bun.sleep(100)
      const seen = await samples(server.url)
      expect(seen.nodejs_eventloop_lag_max_seconds).toBeGreaterThan(0.05)
      expect(seen.process_cpu_seconds_total).toBeGreaterThan(0.1)
      expect(seen.process_resident_memory_bytes).toBeGreaterThan(2 ** 24)
      expect(Math.abs(seen.process_start_time_seconds! - Date.now() / 1000 + process.uptime())).toBeLessThan(5)
      if (process.platform === 'linux') expect(seen.process_open_fds).toBeGreaterThan(3)
    })

    test('counts requests by operation and status, and models that the configuration names', async () => {
      for (const model of ['tiny', 'tiny', 'words', 'somebody’s own words']) await (await ask(model)).text()
      await ask('tiny', 'sk-proj-nothing')
      const seen = await samples(server.url)
      expect(seen).toMatchObject({
        'keyhall_requests_total{component="gateway",operation="chat",status="200"}': 4,
        'keyhall_requests_total{component="gateway",operation="chat",status="401"}': 1,
        'keyhall_model_requests_total{upstream="near",model="tiny",ended="whole"}': 2,
        'keyhall_model_requests_total{upstream="near",model="words",ended="whole"}': 1,
        'keyhall_model_requests_total{upstream="near",model="other",ended="whole"}': 1,
        'keyhall_upstream_first_byte_seconds_count{upstream="near"}': 4,
        'keyhall_verifications_total{outcome="accepted"}': 4,
        'keyhall_verifications_total{outcome="refused"}': 1,
        'keyhall_key_lookups_total{result="miss"}': 1,
        keyhall_cached_keys: 1,
        keyhall_last_used_waiting_keys: expect.any(Number),
        keyhall_last_used_lag_seconds: expect.any(Number),
      })
      expect(Object.keys(seen).join()).not.toMatch(new RegExp(`${server.key_id}|somebody`))
    })

    test('counts /verify as its own component, and logs the project and the key', async () => {
      const calls = (seen: Record<string, number>) => seen['keyhall_admin_request_seconds_count']!
      const before = await samples(server.url)
      const verify = (key: string) => fetch(`${server.url}/verify`, { headers: { authorization: `Bearer ${key}` } })
      await verify(server.key)
      await verify('sk-proj-nothing')
      const seen = await samples(server.url)
      expect(seen).toMatchObject({
        'keyhall_requests_total{component="verify",operation="verify",status="200"}': 1,
        'keyhall_requests_total{component="verify",operation="verify",status="401"}': 1,
      })
      expect(calls(seen)).toBe(calls(before))
      await fetch(`${server.url}/health`)
      expect(calls(await samples(server.url))).toBe(calls(before) + 1)

      const { organization_id, project_id, key_id } = server
      const lines = () => server.log().filter(({ operation }) => operation === 'verify')
      await until(() => lines().length === 2)
      expect(lines()).toMatchObject([
        { status: 200, organization_id, project_id, key_id },
        { status: 401, organization_id: null, project_id: null, key_id: null },
      ])
      await until(() => server.log().some(({ operation }) => operation === 'chat'))
      expect(server.log().find(({ operation }) => operation === 'chat')).toMatchObject({ project_id, key_id })
    })

    test('shows open streams while they are open', async () => {
      const response = await ask('stalls')
      expect(await samples(server.url)).toMatchObject({ keyhall_open_streams: 1, keyhall_open_model_requests: 1 })
      await response.body!.cancel()
      await upstream.sent.at(-1)!.aborted
      let seen = await samples(server.url)
      while (seen.keyhall_open_streams !== 0) seen = await samples(server.url)
      expect(seen.keyhall_open_model_requests).toBe(0)
    })
  })

test('with a port of their own, metrics are nowhere else', async () => {
  const server = await startGateway('sqlite', null, { KEYHALL_METRICS_PORT: '0' })
  await until(() => server.log().some(({ message }) => String(message).startsWith('Metrics on ')))
  const line = server.log().find(({ message }) => String(message).startsWith('Metrics on '))!
  const url = String(line.message).replace('Metrics on ', '').replace('/metrics', '')
  expect(await samples(url)).toHaveProperty('keyhall_open_streams', 0)
  expect((await fetch(`${url}/v1/models`)).status).toBe(404)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
  await server.stop()
})
