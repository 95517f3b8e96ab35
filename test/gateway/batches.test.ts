/**
 * Batches and background responses, whose result comes later: through the official SDK, on both
 * engines.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer, type Received } from './metered.ts'

const usage = {
  input_tokens: 1000,
  output_tokens: 200,
  total_tokens: 1200,
  input_tokens_details: { cached_tokens: 100 },
  output_tokens_details: { reasoning_tokens: 0 },
}

const line = (model: string | undefined, more: object = { max_tokens: 100 }, url = '/v1/chat/completions') =>
  JSON.stringify({ custom_id: 'x', method: 'POST', url, body: { model, messages: [], ...more } })

for (const engine of engines)
  describe(`results that come later (${engine})`, () => {
    let server: MeteredServer
    /** Input files by their id, and what batches and responses are by theirs. */
    const files: Record<string, string> = {}
    const results: Record<string, object> = {}
    let asked = 0
    const warnings: string[] = []

    const upstream = ({ method, path, body }: Received) => {
      const [, file] = /^\/files\/(.+)\/content$/.exec(path) ?? []
      if (file) return file in files ? new Response(files[file]) : new Response('{}', { status: 404 })
      if (method === 'POST' && path === '/batches') {
        const id = `batch_${body.input_file_id}`
        return Response.json((results[id] = { id, object: 'batch', status: 'validating', endpoint: body.endpoint }))
      }
      if (method === 'POST' && path === '/responses') {
        const id = `resp_${String(body.model)}`
        return Response.json((results[id] = { id, object: 'response', status: 'queued', output: [], usage: null }))
      }
      asked++
      const result = results[path.split('/')[2]!]
      return result ? Response.json(result) : new Response('{}', { status: 404 })
    }

    beforeAll(async () => {
      server = await startMetered(
        engine,
        [
          { match: 'priced*', prices: [{ input: 10, output: 20, batch: 0.5 }], max_output_tokens: 1000 },
          { match: 'limited', limits: { batch_tokens_per_day: 60 } },
        ],
        { warn: (sentence, about) => warnings.push(`${sentence} ${JSON.stringify(about)}`) },
      )
      server.answerWith(upstream)
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const batch = (
      input_file_id: string,
      endpoint: '/v1/chat/completions' | '/v1/embeddings' = '/v1/chat/completions',
    ) => server.sdk.batches.create({ input_file_id, endpoint, completion_window: '24h' })
    const refused = async (call: Promise<unknown>) => {
      const error = await call.then(
        () => null,
        (error: unknown) => error,
      )
      return error as { status: number; message: string; code: string }
    }
    const budget = async () => {
      await server.now.writeUsage()
      const rows = await server.database.read.selectFrom('budgets').selectAll().where('project_id', '=', '').execute()
      return rows.reduce(
        (sum, { settled, reserved }) => ({ settled: sum.settled + settled, reserved: sum.reserved + reserved }),
        { settled: 0, reserved: 0 },
      )
    }
    const reserved = (amount: number) => eventually(async () => (await budget()).reserved === amount)
    const waiting = async () => {
      await server.now.writeUsage()
      return server.database.read.selectFrom('deferred_requests').selectAll().execute()
    }

    test('a batch stays reserved until its usage passes, and costs the price of batches', async () => {
      files.one = `${line('priced-a')}\n${line('priced-a')}\n\n`
      const { id } = await batch('one')
      await server.sdk.batches.retrieve(id)
      // Each line: its body's bytes, 256 tokens for a template, and 100 tokens of the answer, at
      // half the price, and 3 for rounding up.
      const body = 256 + Buffer.byteLength(JSON.stringify({ model: 'priced-a', messages: [], max_tokens: 100 }))
      await reserved(2 * (body * 5000 + 100 * 10_000 + 3))
      results[id] = {
        id,
        status: 'completed',
        model: 'priced-a',
        usage,
        request_counts: { total: 2, completed: 2, failed: 0 },
      }
      const { settled } = await budget()
      await server.sdk.batches.retrieve(id)
      await reserved(0)
      expect((await budget()).settled - settled).toBe(1000 * 5000 + 200 * 10_000)
      expect(await server.counted('completions', 'priced-a', ['model', 'batch'])).toMatchObject({
        batch: true,
        input_tokens: 1000,
        input_cached_tokens: 100,
        output_tokens: 200,
        num_model_requests: 2,
      })
    })

    test('a background response stays reserved until its result passes', async () => {
      const { id } = await server.sdk.responses.create({
        model: 'priced-b',
        input: 'x',
        background: true,
        max_output_tokens: 50,
      })
      await eventually(async () => (await budget()).reserved > 0)
      await server.sdk.responses.retrieve(id)
      expect(await waiting()).toHaveLength(1)
      results[id] = { id, status: 'completed', service_tier: 'default', output: [{ type: 'web_search_call' }], usage }
      await server.sdk.responses.retrieve(id)
      await reserved(0)
      expect(await server.counted('completions', 'priced-b', ['model', 'batch'])).toMatchObject({
        batch: false,
        output_tokens: 200,
      })
      expect(await server.counted('web_search_calls', 'priced-b')).toMatchObject({ num_requests: 1 })
    })

    test('so does one that is in the background for an upstream that is not strict', async () => {
      for (const background of [1, 'true']) {
        const model = `priced-${background}`
        await server.finish('POST', '/responses', { model, input: 'x', background, max_output_tokens: 50 })
        await eventually(async () => (await waiting()).some(({ result_id }) => result_id === `resp_${model}`))
        results[`resp_${model}`] = { status: 'completed', usage }
        await server.sdk.responses.retrieve(`resp_${model}`)
        expect(await server.counted('completions', model)).toMatchObject({ output_tokens: 200 })
      }
      await reserved(0)
    })

    test('a batch whose file no address can name is refused', async () => {
      const { status, text } = await server.finish('POST', '/batches', '{"input_file_id":"\\ud800"}')
      expect([status, JSON.parse(text)]).toMatchObject([400, { error: { param: 'input_file_id' } }])
    })

    test('a result that costs more than was reserved is settled as it says, and counted', async () => {
      const broken = async () => (await server.samples()).keyhall_bound_broken_total!
      const before = await broken()
      files.broken = line('priced-f')
      const { id } = await batch('broken')
      const response = await server.sdk.responses.create({ model: 'priced-g', input: 'x', background: true })
      await reserved(await waiting().then((rows) => rows.reduce((sum, { amount }) => sum + amount, 0)))
      const { settled } = await budget()
      results[id] = { id, status: 'completed', usage, request_counts: { completed: 1 } }
      results[response.id] = { id: response.id, status: 'completed', usage: { ...usage, output_tokens: 2_000 } }
      await server.sdk.batches.retrieve(id)
      await server.sdk.responses.retrieve(response.id)
      await reserved(0)
      expect((await budget()).settled - settled).toBe(1000 * 5000 + 200 * 10_000 + 1000 * 10_000 + 2000 * 20_000)
      expect((await broken()) - before).toBe(2)
    })

    test('Keyhall looks for a result by itself, and settles at the bound what never comes', async () => {
      for (const id of ['two', 'gone', 'late']) {
        files[id] = line(`priced-${id}`)
        await batch(id)
      }
      await server.sdk.responses.create({ model: 'priced-cancelled', input: 'x', background: true })
      await server.sdk.responses.create({ model: 'priced-failed', input: 'x', background: true })
      await eventually(async () => (await waiting()).length === 5)
      results.batch_two = { id: 'batch_two', status: 'expired', usage, request_counts: { completed: 1 } }
      delete results.batch_gone
      results['resp_priced-cancelled'] = { status: 'cancelled', usage: null }
      results['resp_priced-failed'] = { status: 'failed', usage: null }
      await server.database.write((sql) => sql.updateTable('deferred_requests').set({ look_at: 0 }).execute())
      await server.database.write((sql) =>
        sql.updateTable('deferred_requests').set({ give_up_at: 0 }).where('result_id', '=', 'batch_late').execute(),
      )
      const before = asked
      const estimated = async () => (await server.samples()).keyhall_estimated_requests_total!
      const estimatedBefore = await estimated()
      await server.now.lookForResults()
      expect(await waiting()).toEqual([])
      expect(asked - before).toBe(5)
      expect((await estimated()) - estimatedBefore).toBe(3)
      expect((await budget()).reserved).toBe(0)
      expect(await server.counted('completions', 'priced-two')).toMatchObject({ input_tokens: 1000 })
      for (const id of ['gone', 'late'])
        expect(await server.counted('completions', `priced-${id}`)).toMatchObject({ output_tokens: 100 })
      expect(await server.counted('completions', 'priced-cancelled')).toMatchObject({ output_tokens: 1000 })
      expect(await server.used('completions', 'priced-failed')).toBeUndefined()
    })

    test('the input tokens of a day are limited, and what was too much is given back', async () => {
      // A third of 150 bytes fits; what is read of 9 more pairs does not.
      files.pairs = line('limited', { query: 'q'.repeat(40), documents: Array(10).fill('d') }, '/v1/rerank')
      expect(await refused(batch('pairs'))).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
      files.long = Array.from({ length: 3 }, () => line('limited')).join('\n')
      const { id } = await batch('long')
      const error = await refused(batch('long'))
      expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'tokens' })
      expect(error.message).toContain('batch tokens per day')
      results[id] = { id, status: 'completed', usage: { ...usage, input_tokens: 3 }, request_counts: { completed: 3 } }
      await server.sdk.batches.retrieve(id)
      await eventually(async () => (await refused(batch('long'))) === null)
    })

    test('a batch is refused that could pass the spend limit, or names a model that the project may not use', async () => {
      const { spendLimit, modelPermissions } = server.client.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 1, currency: 'USD', interval: 'month' })
      files.dear = Array.from({ length: 20 }, () => line('priced-c', { max_tokens: 5_000 })).join('\n')
      files.unnamed = line(undefined)
      const sent = server.received.filter(({ path }) => path === '/batches').length
      expect(await refused(batch('dear'))).toMatchObject({ status: 429, code: 'project_spend_limit_exceeded' })
      expect(await refused(batch('missing'))).toMatchObject({ status: 400, param: 'input_file_id' })
      expect(await refused(batch('unnamed'))).toMatchObject({ status: 400, param: 'model' })
      await spendLimit.delete(server.project_id)
      await modelPermissions.update(server.project_id, { mode: 'deny_list', model_ids: ['priced-c'] })
      expect(await refused(batch('dear'))).toMatchObject({ status: 403, code: 'model_not_found' })
      await modelPermissions.delete(server.project_id)
      files.mixed = `${line('priced-c')}\n${line('priced-d')}`
      expect(await refused(batch('mixed'))).toMatchObject({ status: 400, message: expect.stringContaining('Line 2') })
      expect(server.received.filter(({ path }) => path === '/batches')).toHaveLength(sent)
    })

    test('a batch that the upstream refuses, or of a call that is not metered, takes nothing', async () => {
      files.three = line('priced-e')
      server.answerWith((request) =>
        request.path === '/batches' ? Response.json({ error: {} }, { status: 400 }) : upstream(request),
      )
      expect(await refused(batch('three'))).toMatchObject({ status: 400 })
      server.answerWith(upstream)
      files.videos = line('priced-e', {}, '/v1/videos')
      await batch('videos')
      files.four = line('priced-e')
      await batch('four')
      const ids = async () => (await waiting()).map(({ result_id }) => result_id)
      await eventually(async () => (await ids()).includes('batch_four'))
      expect(await ids()).not.toContain('batch_three')
      expect(await ids()).not.toContain('batch_videos')
      expect(await server.used('completions', 'priced-e')).toBeUndefined()
    })

    test('a model without a price is said in the log once, also where only batches use it', async () => {
      for (const file of ['free-1', 'free-2']) {
        files[file] = line('free')
        const { id } = await batch(file)
        results[id] = { id, object: 'batch', status: 'completed', usage, request_counts: { completed: 1 } }
        await server.sdk.batches.retrieve(id)
      }
      await eventually(async () => {
        await server.now.writeUsage()
        return (await server.used('completions', 'free'))?.num_model_requests === 2
      })
      expect(warnings.filter((warning) => warning.includes('without a price') && warning.includes('"free"'))).toEqual([
        'A model without a price was used; it counts as free. {"model":"free"}',
      ])
    })
  })
