/**
 * Rate limits, spend limits and model permissions as a client meets them, through the official SDK.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { APIError, PermissionDeniedError, RateLimitError } from 'openai'
import { engines } from '../setup.ts'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

/** Usage is written within a second. */
async function eventually(holds: () => Promise<boolean>) {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return
    await Bun.sleep(50)
  }
  throw new Error('it never came')
}

const messages = [{ role: 'user' as const, content: 'Hello?' }]

const yaml = (url: string) => `
upstreams:
  - name: one
    base_url: ${url}
    models: ["*"]
models:
  - match: priced
    prices: [{ input: 1000, output: 2000 }]
    max_output_tokens: 100
  - match: limited
    limits: { requests_per_minute: 3 }
  - match: ranked
    limits: { requests_per_minute: 3 }
  - match: tokens-*
    limits: { tokens_per_minute: 1000 }
  - match: daily
    limits: { requests_per_minute: 5, requests_per_day: 2 }
  - match: none
    limits: { requests_per_minute: 0 }
  - match: drawn
    limits: { images_per_minute: 2 }
`

for (const engine of engines)
  describe(`limits (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(engine, yaml(upstream.url))
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    const refusal = async (call: Promise<unknown>) => {
      try {
        await call
      } catch (error) {
        return error as APIError
      }
      throw new Error('was not refused')
    }

    test('admits the last request of a minute and refuses the next, before it is forwarded', async () => {
      const ask = () => server.client().chat.completions.create({ model: 'limited', messages })
      const { response } = await ask().withResponse()
      expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3')
      expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('2')
      await ask()
      await ask()
      const before = upstream.sent.length
      const error = await refusal(ask())
      expect(error).toBeInstanceOf(RateLimitError)
      expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'requests' })
      expect(error.message).toContain('Limit 3, Used 3, Requested 1')
      expect(Number(error.headers!.get('retry-after'))).toBeWithin(30, 62)
      expect(upstream.sent).toHaveLength(before)
    })

    test('counts requests of calls that are not metered, too', async () => {
      const before = upstream.sent.length
      const answers = []
      for (let n = 0; n < 4; n++)
        answers.push(await server.request('POST', '/videos', { model: 'ranked', prompt: 'x' }))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
      expect(answers.map(({ headers }) => headers.get('x-ratelimit-remaining-requests'))).toEqual(['2', '1', '0', '0'])
      expect(upstream.sent).toHaveLength(before + 3)
    })

    test('says of requests a minute and a day what is less, and what is left when it refuses', async () => {
      const answers: Awaited<ReturnType<typeof server.request>>[] = []
      for (let n = 0; n < 3; n++)
        answers.push(await server.request('POST', '/chat/completions', { model: 'daily', messages }))
      const header = (name: string) => answers.map(({ headers }) => headers.get(`x-ratelimit-${name}-requests`))
      expect(header('limit')).toEqual(['2', '2', '2'])
      expect(header('remaining')).toEqual(['1', '0', '0'])
      expect(header('reset')).toEqual(['24h0m0s', '24h0m0s', '24h0m0s'])
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    })

    test('says what to do about a request that is larger than its limit', async () => {
      const none = await refusal(server.client().chat.completions.create({ model: 'none', messages }))
      expect(none.message).toEndWith('Limit 0, Requested 1. The limit allows no request at all.')
      const drawn = await refusal(server.client().images.generate({ model: 'drawn', prompt: 'x', n: 3 }))
      expect(drawn.message).toEndWith('Limit 2, Requested 3. Fewer images must be asked for.')
    })

    test('says what is left of a limit on tokens by what answers used, not by estimates', async () => {
      const left = async () => {
        const call = server.client().chat.completions.create({ model: 'tokens-a', messages, max_tokens: 100 })
        const { data, response } = await call.withResponse()
        expect(data.usage!.total_tokens).toBe(3)
        return Number(response.headers.get('x-ratelimit-remaining-tokens'))
      }
      const first = await left()
      expect(first).toBeLessThan(900)
      expect(await left()).toBe(first - 3)
    })

    test('a rate limit that the API changes holds from the next request on', async () => {
      const { rateLimits } = server.admin.admin.organization.projects
      const rows = []
      for await (const row of rateLimits.listRateLimits(server.project_id)) rows.push(row)
      expect(rows.map(({ model }) => model)).toEqual([
        'priced',
        'limited',
        'ranked',
        'daily',
        'none',
        'drawn',
        'tokens-*',
        'echo',
        'tiny',
        'words',
      ])
      const ask = () => server.client().chat.completions.create({ model: 'tokens-a', messages, max_tokens: 100 })
      await ask()
      await rateLimits.updateRateLimit('rl-tokens-*', { project_id: server.project_id, max_tokens_per_1_minute: 50 })
      const error = await refusal(ask())
      expect(error).toMatchObject({ status: 429, type: 'tokens' })
      expect(error.headers!.get('x-should-retry')).toBe('false')
    })

    test('counts tokens and money of answers and streams, to the token and the micro-dollar', async () => {
      const start_time = Math.floor(Date.now() / 86_400_000) * 86_400
      await server.client().chat.completions.create({ model: 'priced', messages })
      await server.client().embeddings.create({ model: 'priced', input: 'x' })
      const { usage } = server.admin.admin.organization
      await eventually(async () => {
        const { data } = await usage.costs({ start_time, group_by: ['line_item'] })
        return (data.at(-1)!.results as { quantity?: number; line_item?: string }[]).some(
          ({ quantity, line_item }) => line_item === 'priced, input_tokens' && quantity === 2,
        )
      })
      const page = await usage.completions({ start_time, models: ['priced'], group_by: ['model', 'project_id'] })
      expect(page.data.at(-1)!.results).toMatchObject([
        { input_tokens: 1, output_tokens: 2, num_model_requests: 1, model: 'priced', project_id: server.project_id },
      ])
      const costs = await usage.costs({ start_time, group_by: ['line_item'] })
      const own = costs.data.at(-1)!.results as { line_item?: string }[]
      expect(own.filter(({ line_item }) => line_item?.startsWith('priced'))).toMatchObject([
        { line_item: 'priced, input_tokens', amount: { value: 0.002, currency: 'usd' } },
        { line_item: 'priced, output_tokens', quantity: 2, amount: { value: 0.004 } },
      ])
    })

    test('refuses a request that could pass the spend limit of the month, and no other', async () => {
      const { spendLimit } = server.admin.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 100, currency: 'USD', interval: 'month' })
      const ask = (max_tokens: number) =>
        server.client().chat.completions.create({ model: 'priced', messages, max_tokens })
      await ask(100)
      const error = await refusal(
        (async () => {
          for (let n = 0; n < 200; n++) await ask(100)
        })(),
      )
      expect(error).toMatchObject({ status: 429, code: 'project_spend_limit_exceeded', type: 'insufficient_quota' })
      expect((await spendLimit.retrieve(server.project_id)).enforcement.status).toBe('enforcing')
      await spendLimit.delete(server.project_id)
      await ask(100)
    })

    test('sets the configured maximum where a request under a spend limit names none', async () => {
      const { spendLimit } = server.admin.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 100_000, currency: 'USD', interval: 'month' })
      await server.client().chat.completions.create({ model: 'priced', messages })
      expect(JSON.parse(upstream.sent.at(-1)!.body)).toMatchObject({ max_tokens: 100 })
      await spendLimit.delete(server.project_id)
    })

    test('forwards and shows only the models that the model permissions allow', async () => {
      const { modelPermissions } = server.admin.admin.organization.projects
      await modelPermissions.update(server.project_id, { mode: 'allow_list', model_ids: ['tiny'] })
      await server.client().chat.completions.create({ model: 'tiny', messages })
      const error = await refusal(server.client().chat.completions.create({ model: 'words', messages }))
      expect(error).toBeInstanceOf(PermissionDeniedError)
      expect(error).toMatchObject({ status: 403, code: 'model_not_found' })
      const seen = []
      for await (const { id } of server.client().models.list()) seen.push(id)
      expect(seen).toEqual(['tiny'])
      await modelPermissions.delete(server.project_id)
      await server.client().chat.completions.create({ model: 'words', messages })
    })
  })
