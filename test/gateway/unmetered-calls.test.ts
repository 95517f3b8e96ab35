/**
 * Calls beside chats: those that compare texts are metered by each pair, and what is not metered
 * cannot pass a spend limit.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { JsonBody } from '../../gateway/model-body.ts'
import { endpointOf, members, nested } from '../../gateway/meter/endpoints.ts'
import { sizesOf } from '../../gateway/meter/bound.ts'
import { ModelBook } from '../../gateway/meter/model-book.ts'
import { scanJson, scanNames } from '../../gateway/scan-json.ts'
import { runs } from '../runs.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer } from './metered.ts'

/** Calls that run no model, or only one that was paid for before. */
const free = [
  '/tokenize',
  '/api/show',
  '/messages/count_tokens',
  '/responses/input_tokens',
  '/conversations',
  '/conversations/c_1/items',
  '/threads',
  '/threads/t_1/messages',
  '/threads/t_1/runs/r_1/cancel',
  '/fine_tuning/jobs/j_1/cancel',
  '/evals',
  '/models/load',
  '/chat/completions/chatcmpl-1',
  '/chat/completions/render',
  '/realtime/calls/c_1/hangup',
  '/live/sessions/s_1/hangup',
  '/chatkit/sessions/s_1/cancel',
  '/fine_tuning/alpha/graders/validate',
  '/messages/batches/b_1/cancel',
]
/** Calls that run a model. */
const costly = [
  '/videos',
  '/fine_tuning/jobs',
  '/threads/runs',
  '/threads/t_1/runs',
  '/chat/completions/batch',
  '/responses/new',
  '/something/new',
]
/** Those that do so without naming it where it could be seen. */
const hidden = [
  '/videos/v_1/remix',
  '/threads/t_1/runs/r_1/submit_tool_outputs',
  '/fine_tuning/jobs/j_1/resume',
  '/models/priced:generateContent',
  '/engines/priced/completions',
  '/deployments/free/deployments/priced/chat/completions',
  '/realtime/calls',
  '/messages/batches',
  '/realtime/client_secrets',
  '/live/sessions',
  '/evals/e_1/runs',
  '/fine_tuning/alpha/graders/run',
]

for (const engine of engines)
  describe(`calls beside chats (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine, [
        { match: 'priced', prices: [{ input: 1, output: 2 }], max_output_tokens: 100 },
        { match: 'free', prices: [{ input: 0, output: 0 }] },
        // A dollar for each token.
        ...['dear', 'gpt-4o'].map((match) => ({ match, prices: [{ input: 1_000_000 }], context_tokens: 500 })),
      ])
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const status = async (path: string, body: object) => {
      const before = server.received.length
      const answer = await server.finish('POST', path, body)
      const { error } = JSON.parse(answer.text || '{}') as {
        error?: { code?: string; details?: { error_code: string } }
      }
      return [answer.status, error?.details?.error_code ?? error?.code ?? null, server.received.length - before]
    }
    const limited = async (dollars: number, then: () => Promise<void>) => {
      const { spendLimit } = server.client.admin.organization.projects
      await spendLimit.update(server.project_id, {
        threshold_amount: dollars * 100,
        currency: 'USD',
        interval: 'month',
      })
      await then()
      await spendLimit.delete(server.project_id)
    }

    test('without a spend limit all are forwarded', async () => {
      server.answerWith(() => Response.json({}))
      for (const path of [...free, ...costly, ...hidden]) {
        expect([path, ...(await status(path, { model: 'priced' }))]).toEqual([path, 200, null, 1])
        expect([path, ...(await status(path, {}))]).toEqual([path, 200, null, 1])
      }
    })

    test('under a spend limit, those that run no model are forwarded', () =>
      limited(1000, async () => {
        for (const path of free)
          for (const body of [{ model: 'priced' }, {}])
            expect([path, ...(await status(path, body))]).toEqual([path, 200, null, 1])
      }))

    test('under a spend limit, those that nobody meters are refused where the model has a price', () =>
      limited(1000, async () => {
        for (const path of costly) {
          expect([path, ...(await status(path, { model: 'priced' }))]).toEqual([path, 400, 'call_without_bound', 0])
          expect([path, ...(await status(path, {}))]).toEqual([path, 400, 'missing_required_parameter', 0])
          for (const model of ['free', 'unpriced'])
            expect([path, ...(await status(path, { model }))]).toEqual([path, 200, null, 1])
        }
      }))

    test('under a spend limit, those whose model cannot be seen are refused, whatever they name', () =>
      limited(1000, async () => {
        for (const path of hidden)
          for (const body of [{}, { model: 'free' }])
            expect([path, ...(await status(path, body))]).toEqual([path, 400, 'missing_required_parameter', 0])
        const method = { type: 'reinforcement', reinforcement: { grader: { type: 'score_model', model: 'priced' } } }
        expect(await status('/fine_tuning/jobs', { model: 'free', method })).toEqual([
          400,
          'missing_required_parameter',
          0,
        ])
        // Mistral's are answered by a model.
        expect(await status('/conversations', { model: 'priced', inputs: 'x' })).toEqual([400, 'call_without_bound', 0])
        for (const [path, body] of [
          ['/conversations', { agent_id: 'a_1', inputs: 'x' }],
          ['/conversations/c_1', { model: 'free', inputs: 'x' }],
          ['/conversations/c_1', {}],
        ] as const)
          expect(await status(path, body)).toEqual([400, 'missing_required_parameter', 0])
        expect(await status('/conversations/c_1', { metadata: {} })).toEqual([200, null, 1])
        const call = new FormData()
        call.set('model', 'free')
        call.set('session', JSON.stringify({ type: 'realtime', model: 'priced' }))
        expect((await server.finish('POST', '/realtime/calls', call)).status).toBe(400)
      }))

    test('under model permissions too', async () => {
      const { modelPermissions } = server.client.admin.organization.projects
      await modelPermissions.update(server.project_id, { mode: 'deny_list', model_ids: ['priced'] })
      for (const path of hidden)
        expect([path, ...(await status(path, { model: 'free' }))]).toEqual([path, 400, 'missing_required_parameter', 0])
      expect(await status('/responses/new', {})).toEqual([400, 'missing_required_parameter', 0])
      expect(await status('/chat/completions/batch', {})).toEqual([400, 'missing_required_parameter', 0])
      await modelPermissions.delete(server.project_id)
    })

    test('under a spend limit, a body that names other models is refused', () =>
      limited(1000, async () => {
        const body = { model: 'free', messages: [] }
        const others = [{ free: ['priced'] }]
        for (const more of [
          { models: ['free', 'priced'] },
          { fallbacks: others },
          { context_window_fallbacks: others },
          { content_policy_fallbacks: others },
          { context_window_fallback_dict: { free: 'priced' } },
          { extra_body: { model: 'priced' } },
        ]) {
          for (const path of ['/chat/completions', '/something/new'])
            expect(await status(path, { ...body, ...more })).toEqual([400, 'several_models', 0])
          const line = JSON.stringify({ url: '/v1/chat/completions', body: { ...body, max_tokens: 1, ...more } })
          server.answerWith(({ path }) => (path === '/batches' ? Response.json({ id: 'b' }) : new Response(line)))
          expect((await status('/batches', { input_file_id: 'file_1' }))[0]).toBe(400)
        }
        server.answerWith(() => Response.json({}))
        expect(await status('/chat/completions', { ...body, models: null })).toEqual([200, null, 1])
      }))

    test('a batch of such calls is refused too', () =>
      limited(1000, async () => {
        const line = (model: string) => JSON.stringify({ url: '/v1/videos', body: { model } })
        let file = line('priced')
        server.answerWith(({ path }) => (path === '/batches' ? Response.json({ id: 'b' }) : new Response(file)))
        const create = () => server.finish('POST', '/batches', { input_file_id: 'file_1', endpoint: '/v1/videos' })
        const refused = await create()
        expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { error: { param: 'input_file_id' } }])
        expect(refused.text).toContain('Line 1')
        file = line('free')
        expect((await create()).status).toBe(200)
      }))

    test('what compares texts is counted and paid by what the upstream says', async () => {
      server.answerWith(() => Response.json({ results: [], usage: { total_tokens: 40 } }))
      const documents = ['one', 'two', 'three']
      await limited(1, async () => {
        expect(await status('/rerank', { model: 'priced', query: 'x', documents })).toEqual([200, null, 1])
        server.answerWith(() => Response.json({ usage: { prompt_tokens: 0, total_tokens: 40 } }))
        expect(await status('/score', { model: 'priced', text_1: 'x', text_2: documents })).toEqual([200, null, 1])
        expect(await status('/classify', { model: 'priced', input: documents })).toEqual([200, null, 1])
        expect(await status('/pooling', { model: 'priced', input: documents })).toEqual([200, null, 1])
      })
      await eventually(async () => {
        await server.now.writeUsage()
        return (await server.used('embeddings', 'priced'))?.num_model_requests === 4
      })
      expect(await server.used('embeddings', 'priced')).toMatchObject({ input_tokens: 160 })
      const start = Math.floor(server.world.now() / 86_400_000) * 86_400
      const answer = await server.request('GET', `/organization/costs?start_time=${start}&group_by[]=line_item`)
      const { data } = (await answer.json()) as { data: { results: { line_item: string }[] }[] }
      const item = data.at(-1)!.results.find(({ line_item }) => line_item === 'priced, input_tokens')
      expect(item).toMatchObject({ amount: { value: 0.00016 }, quantity: 160 })
    })

    test('an upstream that says no usage is paid by the bytes of all pairs', async () => {
      server.answerWith(() => Response.json([{ index: 0, score: 1 }]))
      const body = { model: 'unsaid', query: 'q'.repeat(298), texts: ['a', 'b', 'c'] }
      await server.finish('POST', '/rerank', body)
      const { input_tokens } = await server.counted('embeddings', 'unsaid')
      // A third of all bytes; the query is read twice more.
      expect(input_tokens).toBe(Math.ceil((JSON.stringify(body).length + 2 * 300) / 3))
    })

    test('a spend limit takes the query as often as there are documents', () =>
      limited(2500, async () => {
        server.answerWith(() => Response.json({ usage: { prompt_tokens: 1 } }))
        const query = 'q'.repeat(100)
        const ask = (count: number) =>
          status('/rerank', { model: 'dear', query, documents: Array.from({ length: count }, () => 'd') })
        expect(await ask(5)).toEqual([200, null, 1])
        expect(await ask(7)).toEqual([429, 'project_spend_limit_exceeded', 0])
        // An image is bounded by the context of the model, once for each document.
        const images = (count: number) =>
          status('/rerank', {
            model: 'dear',
            query,
            documents: {
              content: Array.from({ length: count }, () => ({ type: 'image_url', image_url: { url: 'x' } })),
            },
          })
        expect(await images(4)).toEqual([200, null, 1])
        expect(await images(5)).toEqual([429, 'project_spend_limit_exceeded', 0])
      }))

    test('it takes all that an upstream may read in each pair', () =>
      limited(3_000_000, async () => {
        server.answerWith(() => Response.json({ usage: { prompt_tokens: 1 } }))
        const documents = Array.from({ length: 400 }, () => 'd')
        const part = { type: 'text', text: 'q'.repeat(5000) }
        const query = 'q'.repeat(10_000)
        for (const body of [
          { query, text_1: '', documents },
          { query: { content: [part, part] }, documents },
          { query: 'q', instruction: query, documents },
          { query, passages: documents },
          { query: Array.from({ length: 5000 }, () => 1), items: documents },
          // A tokenizer counts it once.
          { model: 'gpt-4o', query: 'a '.repeat(5000), documents },
        ]) {
          const keys = Object.keys(body)
          expect([keys, await status('/rerank', { model: 'dear', ...body })]).toEqual([
            keys,
            [429, 'project_spend_limit_exceeded', 0],
          ])
        }
      }))
  })

describe('the bound of calls that compare texts', () => {
  const names = scanNames([...members], [...nested])
  const settings = new ModelBook([], () => []).find('any')
  const sizes = (body: object) => {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(body)))
    return sizesOf(new JsonBody(bytes, scanJson(bytes, names)), endpointOf('POST', '/score')!, settings)
  }
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  const side = fc.oneof(text, fc.array(text, { maxLength: 12 }))
  const bytesOf = (text: string | undefined) => Buffer.byteLength(text ?? '')

  test('is at least a token for each byte of each pair', () => {
    fc.assert(
      fc.property(side, side, fc.constantFrom('query', 'text_1', 'data_1'), (one, other, name) => {
        const { input, estimate } = sizes({ model: 'any', [name]: one, documents: other })
        const [ones, others] = [[one].flat(), [other].flat()]
        const pairs = Array.from({ length: Math.max(ones.length, others.length) }, (_, n) => [
          ones.length === 1 ? ones[0] : ones[n],
          others.length === 1 ? others[0] : others[n],
        ])
        const most = pairs.flat().reduce((sum, text) => sum + bytesOf(text), 0)
        expect(input!).toBeGreaterThanOrEqual(most)
        expect(input!).toBeGreaterThanOrEqual(estimate)
      }),
      runs(200),
    )
  })
})
