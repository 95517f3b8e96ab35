/** `/livez` and `/readyz`: what they say, when, and that they are cheap and not in the log. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sql } from 'kysely'
import { folder, serve } from '../cli/command.ts'
import { startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { emptyDatabase, engines, onBothEngines, startServer, type TestServer } from '../setup.ts'
import { startProxy, type Proxy } from '../storage/cutting-proxy.ts'

setDefaultTimeout(60_000)

const ok = { status: 'ok' }
const well = { database: ok, migrations: ok, upstreams: ok, shutdown: ok }

async function probe(url: string, init?: RequestInit) {
  const answer = await fetch(url, init)
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as any) }
}

const inProcess = async ({ fetch }: TestServer, path: string) => {
  const answer = await fetch(new Request(`http://keyhall.test${path}`))
  return { status: answer.status, body: (await answer.json()) as any }
}

/** What was found within the last second is asked for anew. */
const skipSecond = ({ world }: TestServer) => {
  const { steady } = world
  world.steady = () => steady() + 1_050
}

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

for (const engine of engines)
  describe(`probes (${engine})`, () => {
    let server: GatewayServer
    beforeAll(async () => {
      const ports = { KEYHALL_ADMIN_PORT: '0', KEYHALL_GATEWAY_PORT: '0', KEYHALL_METRICS_PORT: '0' }
      server = await startGateway(engine, null, { ...ports, KEYHALL_LOG: 'debug' })
    })
    afterAll(() => server.stop())

    test('every listener answers them, and says which checks ran', async () => {
      for (const url of Object.values(server.urls)) {
        expect(await probe(`${url}/livez`)).toEqual({ status: 200, body: ok })
        expect(await probe(`${url}/readyz?verbose`)).toEqual({ status: 200, body: { status: 'ok', checks: well } })
      }
    })

    test('they take GET and HEAD alone, and nothing below them', async () => {
      for (const path of ['/livez', '/readyz']) {
        const { main } = server.urls
        expect(await probe(main + path, { method: 'HEAD' })).toEqual({ status: 200, body: null })
        expect(await probe(main + path, { method: 'POST' })).toMatchObject({
          status: 405,
          body: { error: { code: 'method_not_supported' } },
        })
        expect(await probe(`${main}${path}/database`)).toMatchObject({ status: 404 })
      }
    })

    test('they are logged at debug, as /health is, and not counted as requests', async () => {
      await probe(`${server.urls.main}/health`)
      await probe(`${server.urls.main}/readyz`)
      await probe(`${server.urls.admin}/v1/organization/projects`)
      const lines = () => server.log().filter(({ message }) => message === 'request')
      await until(() => lines().some(({ operation }) => operation === 'readyz'))
      await until(() => lines().some(({ operation }) => operation === 'projects.list'))
      for (const { operation, level } of lines())
        expect({ operation, level }).toEqual({
          operation,
          level: /^(health|livez|readyz)$/.test(String(operation)) ? 'debug' : 'info',
        })
      const page = await (await fetch(`${server.urls.metrics}/metrics`)).text()
      expect(page).toContain('keyhall_ready{check="database"} 1\n')
      expect(page).not.toMatch(/keyhall_requests_total\{.*(livez|readyz)/)
    })
  })

onBothEngines('the check of the migrations', (server) => {
  const run = (statement: string) => server().database.write((db) => sql.raw(statement).execute(db))
  const readyz = () => {
    skipSecond(server())
    return inProcess(server(), '/readyz')
  }

  test('one that is missing is named; one of a later version is none of its business', async () => {
    await run(`update migrations set name = 'of a later version' where name = '001-first'`)
    const { status, body } = await readyz()
    expect({ status, of: body.status }).toEqual({ status: 503, of: 'failed' })
    expect(body.checks).toEqual({
      ...well,
      migrations: { status: 'failed', reason: expect.stringContaining('(001-first is the first)') },
    })
    await run(`update migrations set name = '001-first' where name = 'of a later version'`)
    await run(`insert into migrations (name, applied_at) values ('of a later version', 1)`)
    expect(await readyz()).toEqual({ status: 200, body: { status: 'ok', checks: well } })
  })
})

describe('a database that goes away', () => {
  let proxy: Proxy
  let server: TestServer
  const warnings: { sentence: string; about: Record<string, unknown> }[] = []
  beforeAll(async () => {
    server = await startServer('postgres', {
      on: await emptyDatabase('postgres'),
      outages: true,
      via: async (address) => (proxy = await startProxy(address)).address,
      warn: (sentence, about) => warnings.push({ sentence, about }),
    })
  })
  afterAll(async () => {
    proxy.resume()
    await server.stop()
    proxy.close()
  })
  const unreachable = 'The database cannot be reached.'
  const readyz = async (wanted: number) => {
    for (;;) {
      const answer = await inProcess(server, '/readyz')
      if (answer.status === wanted) return answer.body
      await Bun.sleep(50)
    }
  }

  test('is a 503 with the reason, once in the log, and the process lives', async () => {
    expect((await inProcess(server, '/readyz')).status).toBe(200)
    proxy.leave()
    let { checks } = await readyz(503)
    while (checks.database.reason !== unreachable) ({ checks } = await readyz(503))
    expect(checks).toEqual({
      ...well,
      database: { status: 'failed', reason: unreachable },
      migrations: { status: 'failed', reason: 'Not known while the database does not answer.' },
    })
    expect(JSON.stringify(checks)).not.toContain(new URL(server.address).port)
    expect(await inProcess(server, '/livez')).toEqual({ status: 200, body: ok })
    await readyz(503)
    const said = () => warnings.filter(({ sentence }) => /ready/.test(sentence))
    expect(said()).toHaveLength(1)
    expect(said()[0]!.sentence).toStartWith('The server is not ready. The database ')
    proxy.comeBack()
    await readyz(200)
    expect(said()[1]).toEqual({ sentence: 'The server is ready again.', about: {} })
  })

  test('without a word is a 503 before a probe is over, however many ask', async () => {
    await readyz(200)
    proxy.stall()
    const before = performance.now()
    skipSecond(server)
    const answers = await Promise.all(Array.from({ length: 50 }, () => inProcess(server, '/readyz')))
    for (const { status, body } of answers) {
      expect(status).toBe(503)
      expect(body.checks.database.reason).toBe('The database did not answer within 800 milliseconds.')
    }
    // The pool itself gives up after five seconds, which would be another reason.
    expect(performance.now() - before).toBeLessThan(5_000)
    proxy.resume()
    await readyz(200)
  })
})

test('a server is ready when its upstreams were asked for their models, whether they answered or not', async () => {
  const asked = Promise.withResolvers<Response>()
  const upstream = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => asked.promise })
  stops.push(() => upstream.stop(true))
  const yaml = `upstreams: [{ name: slow, base_url: "${upstream.url}v1" }]`
  const server = await startGateway('sqlite', yaml)
  stops.push(server.stop)
  const { status, body } = await probe(`${server.url}/readyz`)
  expect({ status, upstreams: body.checks.upstreams.status }).toEqual({ status: 503, upstreams: 'failed' })
  expect(JSON.stringify(body)).not.toContain('slow')
  asked.resolve(new Response('no', { status: 500 }))
  while ((await probe(`${server.url}/readyz`)).status !== 200) await Bun.sleep(20)
})

test('while the server waits to stop it is not ready, lives, and answers', async () => {
  const home = folder()
  stops.push(home.remove)
  const server = await serve(`sqlite:${home.path}/k.db`, [], { env: { KEYHALL_SHUTDOWN_DELAY_SECONDS: '2' } })
  expect((await probe(`${server.url}/readyz`)).status).toBe(200)
  server.signal('SIGTERM')
  await server.prints('until then /readyz is 503')
  const { status, body } = await probe(`${server.url}/readyz`)
  expect(status).toBe(503)
  expect(body.checks).toEqual({ ...well, shutdown: { status: 'failed', reason: 'The server is shutting down.' } })
  expect((await probe(`${server.url}/livez`)).status).toBe(200)
  const headers = { authorization: `Bearer ${server.key}` }
  expect((await fetch(`${server.url}/v1/organization/projects`, { headers })).status).toBe(200)
  const { code, err, out } = await server.ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).not.toContain('"operation":"readyz"')
})
