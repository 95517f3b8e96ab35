/**
 * `enforcement.status` of spend limits tells whether requests are refused, as an administrator
 * reads it through the official SDK while clients call models.
 */
import OpenAI, { RateLimitError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'
import { openDatabase } from '../../database/open.ts'
import { isEnforcing } from '../../ledger/budget-status.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { SpendLimited } from '../../ledger/refusals.ts'
import { monthOf } from '../../ledger/usage-counts.ts'
import { realWorld } from '../../world/world.ts'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

// A call costs $0.005: the upstream answers that it read one token and wrote two.
const yaml = (url: string) => `
upstreams:
  - { name: one, base_url: "${url}", models: ["priced"] }
models:
  - match: priced
    prices: [{ input: 1000, output: 2000 }]
    max_output_tokens: 100000
`
const limit = (cents: number) => ({ threshold_amount: cents, currency: 'USD', interval: 'month' }) as const

for (const engine of engines)
  describe(`enforcement.status (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(engine, yaml(upstream.url))
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    /**
     * The status of the answer; a request for that many tokens may cost $0.002 for each of them.
     */
    const ask = async (max_tokens: number) => {
      const body = { model: 'priced', messages: [{ role: 'user', content: 'Hello?' }], max_tokens }
      const response = await server.request('POST', '/chat/completions', body)
      await response.text()
      return response.status
    }

    test('the official SDK throws at once, and does not try again', async () => {
      const { spendLimit } = server.admin.admin.organization.projects
      await spendLimit.update(server.project_id, limit(1))
      let sent = 0
      const client = new OpenAI({
        apiKey: server.key,
        baseURL: `${server.url}/v1`,
        fetch: (url, init) => {
          sent++
          return fetch(url, init)
        },
      })
      const messages = [{ role: 'user' as const, content: 'Hello?' }]
      const error = await client.chat.completions.create({ model: 'priced', messages }).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(RateLimitError)
      expect(error).toMatchObject({ code: 'project_spend_limit_exceeded', type: 'insufficient_quota' })
      expect({ sent, forwarded: upstream.sent }).toEqual({ sent: 1, forwarded: [] })
      await spendLimit.delete(server.project_id)
    })

    for (const level of ['organization', 'project'] as const)
      test(`follows the last decision under the limit of the ${level}`, async () => {
        const { organization } = server.admin.admin
        const { project_id } = server
        const set = (cents: number) =>
          level === 'project'
            ? organization.projects.spendLimit.update(project_id, limit(cents))
            : organization.spendLimit.update(limit(cents))
        const status = async () => {
          const own =
            level === 'project'
              ? await organization.projects.spendLimit.retrieve(project_id)
              : await organization.spendLimit.retrieve()
          return own.enforcement.status
        }
        expect((await set(1000)).enforcement.status).toBe('inactive')
        expect(await ask(10)).toBe(200)
        expect(await status()).toBe('inactive')
        // Money is left, and this request could pass the limit.
        expect(await ask(50_000)).toBe(429)
        expect(await status()).toBe('enforcing')
        // One that has room is admitted.
        expect(await ask(10)).toBe(200)
        expect(await status()).toBe('inactive')
        // A limit that is raised refuses nothing any more, though nobody has asked since.
        expect(await ask(50_000)).toBe(429)
        expect((await set(20_000)).enforcement.status).toBe('inactive')
        expect(await status()).toBe('inactive')
        expect(await ask(50_000)).toBe(200)
        // A limit below what is spent already.
        expect((await set(1)).enforcement.status).toBe('enforcing')
        expect(await ask(1)).toBe(429)
        if (level === 'project') await organization.projects.spendLimit.delete(project_id)
        else await organization.spendLimit.delete()
        const none = await status().catch((error: { status: number }) => error.status)
        expect(none).toBe(404)
        // What was refused under the limit that was removed says nothing of a new one.
        expect((await set(20_000)).enforcement.status).toBe('inactive')
        expect(await ask(10)).toBe(200)
      })
  })

for (const engine of engines)
  test(`a request that one server admits from memory follows a refusal by another (${engine})`, async () => {
    const place = await emptyDatabase(engine)
    const database = await openDatabase(place.address)
    const start = async () => {
      const ledger = new Ledger(database, realWorld, { onError: (error) => console.error(error) })
      await ledger.start()
      return ledger
    }
    const [one, other] = [await start(), await start()]
    const whose = { organization_id: 'org', project_id: 'proj' }
    const of = { user_id: 'user', api_key_id: 'key', model: 'm', service_tier: '', detail: '' }
    const series = { ...whose, ...of, kind: 'completions', batch: 0, estimated: 0, priced: 1 } as const
    const ask = (bound: number) => ({
      ...whose,
      windows: [],
      limits: { organization: null, project: 1_000_000_000 },
      bound,
      series,
    })
    const key = { ...whose, month: monthOf(realWorld.now()) }
    const status = () => isEnforcing(database.read, key, 100)
    // The first request of a server waits; after it the server holds some of the money.
    ;(await one.admit(ask(1000))).settle({ requests: 1, cost_output: 1000 })
    await one.flush()
    await other.flush()
    const refused = await Promise.resolve(other.admit(ask(2_000_000_000))).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(SpendLimited)
    expect(await status()).toBe(true)
    const admission = one.admit(ask(1000))
    expect(admission).not.toBeInstanceOf(Promise)
    await one.flush()
    expect(await status()).toBe(false)
    ;(await admission).release()
    await Promise.all([one.stop(), other.stop()])
    await database.close()
    await place.drop()
  })
