/**
 * What a request is reserved for is never less than what it can cost, and /metrics says what was
 * refused, reserved and settled.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { movedWith } from '../moved-clock.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer, type Received } from './metered.ts'

const bodies: readonly (readonly [path: string, body: object])[] = [
  [
    '/chat/completions',
    { messages: [{ role: 'user', content: 'Grüß Gott 👋' }], max_tokens: 1, max_completion_tokens: 400 },
  ],
  ['/chat/completions', { messages: [], n: 3, max_tokens: '20' }],
  ['/chat/completions', { messages: [], max_tokens: -1, service_tier: 'priority' }],
  ['/chat/completions', { messages: [], max_completion_tokens: 1_000_000, stream: false }],
  ['/chat/completions', { messages: [], prediction: { type: 'content', content: 'x'.repeat(50) } }],
  ['/chat/completions', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }],
  ['/completions', { prompt: ['a', 'b'], best_of: 2, max_tokens: 5 }],
  ['/responses', { input: 'x', tools: [{ type: 'web_search' }] }],
  // The upstream adds what it keeps: prompts, earlier answers, files, and what its tools find.
  ['/responses', { input: 'x', prompt: { id: 'pmpt_1' }, max_output_tokens: 40 }],
  ['/responses', { input: 'x', previous_response_id: 'resp_1' }],
  ['/responses', { input: 'x', conversation: 'conv_1' }],
  ['/responses', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }],
  [
    '/responses',
    {
      input: 'x',
      tools: [
        { type: 'function', name: 'f' },
        { type: 'mcp', server_url: 'x' },
      ],
    },
  ],
  ['/chat/completions', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file_1' } }] }] }],
  // Media under the names of vLLM, Mistral and llama.cpp, speech of an earlier answer, what a
  // search finds, and items that the upstream keeps.
  ...(['video_url', 'audio_url', 'document_url'] as const).map(
    (type) => ['/chat/completions', { messages: [{ role: 'user', content: [{ type, [type]: 'at:x' }] }] }] as const,
  ),
  ['/completions', { prompt: [{ prompt_string: 'x', multimodal_data: ['at:x'] }], max_tokens: 5 }],
  ['/chat/completions', { messages: [{ role: 'assistant', audio: { id: 'at:x' } }] }],
  ['/chat/completions', { messages: [], web_search_options: {} }],
  // vLLM takes a template from the request, which can repeat what it likes.
  ['/chat/completions', { messages: [], chat_template: 'at:x' }],
  ['/responses', { input: [{ type: 'item_reference', id: 'at:x' }] }],
  ['/responses', { input: [{ id: 'at:x' }] }],
  ['/responses', { input: [{ type: 'image_generation_call', id: 'at:x', result: null, status: 'completed' }] }],
  ['/messages', { messages: [{ role: 'user', content: [{ type: 'image', source: { url: 'x' } }] }], max_tokens: 9 }],
  ['/messages', { messages: [], max_tokens: 9, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
  ['/chat/completions', { messages: [], tools: [{ type: 'function', function: { name: 'f' } }] }],
  ['/responses', { input: 'x', tools: [{ type: 'function', name: 'f' }] }],
  ['/messages', { messages: [], max_tokens: 9, tools: [{ name: 'f', input_schema: {} }] }],
  ['/messages', { messages: [], max_tokens: 9, mcp_servers: [{ type: 'url', url: 'x' }] }],
  ['/completion', { prompt: 'x', n_predict: -1 }],
  ['/completion', { prompt: 'x', n_predict: 8, max_tokens: 90 }],
  // Each prompt of a list is answered; a list of tokens is one.
  ['/completions', { prompt: ['a', 'b', 'c'], max_tokens: 100 }],
  ['/completions', { prompt: [[1, 2], [3]], max_tokens: 100, n: 2 }],
  ['/completions', { prompt: [1, 2, 3], max_tokens: 100 }],
  ['/completions', { prompt: 'a', prompt_embeds: ['eA==', 'eQ=='], max_tokens: 100 }],
  ['/completion', { prompt: ['a', 'b'], n_predict: 100, n_cmpl: 3 }],
  // What llama.cpp takes before the names of the API.
  ['/chat/completions', { messages: [], max_tokens: 5, n_predict: 400 }],
  ['/chat/completions', { messages: [], max_tokens: 5, n_predict: -1, n_cmpl: 2 }],
  ['/completions', { prompt: 'x', max_tokens: 5, max_completion_tokens: 400 }],
  ['/responses', { input: 'x', max_output_tokens: 5, n_predict: 400 }],
  ['/messages', { messages: [], max_tokens: 5, n_predict: 400 }],
  ['/responses/compact', { input: 'x' }],
  ['/decisions', { input: 'x', questions: [] }],
  ['/embeddings', { input: [[1, 2, 3]] }],
  ['/moderations', { input: 'x' }],
  ['/classify', { input: ['x', 'y'] }],
  ['/pooling', { messages: [{ role: 'user', content: 'x' }] }],
  ['/rerank', { query: 'x', documents: ['a', 'b'] }],
  ['/images/generations', { prompt: 'x', n: 2 }],
  ['/audio/speech', { input: 'Hello 👋' }],
]

/**
 * Everything that the upstream could possibly use for what it was sent: a token for each byte, and
 * all of the answer.
 */
function atMost({ path, body, text }: Received, bytes: number) {
  const isOpaque = /image_url|web_search|pmpt_|resp_|conv_|file_|mcp|at:x|"source"/.test(text)
  const { max_tokens, max_completion_tokens, max_output_tokens, n_predict } = body
  const declared = [max_tokens, max_completion_tokens, max_output_tokens, n_predict].map(Number)
  const one = Math.max(...declared.map((value) => (Number.isNaN(value) ? 0 : value < 0 ? Infinity : value))) || 500
  const prompts = [body.prompt, body.prompt_embeds].reduce<number>(
    (sum, list) =>
      sum + (Array.isArray(list) && typeof list[0] !== 'number' ? list.length : list === undefined ? 0 : 1),
    0,
  )
  const answers = Number(body.n_cmpl ?? body.n ?? body.best_of ?? 1) * Math.max(1, prompts)
  const prediction = body.prediction ? JSON.stringify(body.prediction).length : 0
  // What the template of a model puts around a conversation, and before its tools.
  const isChat = body.messages !== undefined || ['/responses', '/decisions'].some((start) => path.startsWith(start))
  const input = isOpaque ? 3000 : bytes + (isChat ? 256 : 0) + (body.tools ? 1024 : 0)
  // Also where there is no answer to generate: that counts as 0.
  const usage = { prompt_tokens: input, completion_tokens: one * answers + prediction }
  return Response.json({ service_tier: 'priority', usage, data: [{}, {}] })
}

const today = Math.floor(Date.now() / 86_400_000) * 86_400_000
const day = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10)

for (const engine of engines)
  describe(`bounds (${engine})`, () => {
    let server: MeteredServer
    const warnings: string[] = []
    beforeAll(async () => {
      const price = {
        input: 2.5,
        cached_input: 0.25,
        cache_write: 3.125,
        output: 10,
        image: 0.04,
        million_characters: 15,
      }
      server = await startMetered(
        engine,
        [
          {
            match: 'priced',
            prices: [{ ...price, priority: 1.7, above: [{ tokens: 2000, input: 5, output: 15 }] }],
            max_output_tokens: 500,
            context_tokens: 3000,
          },
          { match: 'dear', prices: [{ input: 1_000_000, output: 1_000_000 }], max_output_tokens: 100_000_000 },
          {
            match: 'changing',
            prices: [{ input: 1 }, { valid_from: day(today + 86_400_000), input: 3 }],
            max_output_tokens: 9,
          },
          // A dollar for each token.
          ...['gpt-4o', 'llama'].map((match) => ({ match, prices: [{ input: 1_000_000 }], max_output_tokens: 9 })),
          { match: 'silent-*', prices: [{ input: 1_000_000, output: 1_000_000 }] },
          { match: 'limited', limits: { requests_per_minute: 1 } },
        ],
        {
          wrap: movedWith(() => server),
          warn: (sentence, about) => warnings.push(`${sentence} ${JSON.stringify(about)}`),
        },
      )
      const { spendLimit } = server.client.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 900_000_000, currency: 'USD', interval: 'month' })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const ask = (model: string, more: object = {}) =>
      server.finish('POST', '/chat/completions', { model, messages: [], ...more })

    test('are kept by the dearest answer of each kind of call', async () => {
      for (const [path, body] of bodies) {
        // What Keyhall adds is no part of the prompt.
        const bytes = Buffer.byteLength(JSON.stringify({ model: 'priced', ...body }))
        server.answerWith((request) => atMost(request, bytes))
        const { status } = await server.finish('POST', path, { model: 'priced', ...body })
        expect([path, status]).toEqual([path, 200])
      }
      await server.now.writeUsage()
      expect((await server.samples()).keyhall_bound_broken_total).toBe(0)
    })

    test('a maximum that only some servers read is set under the name that all read', async () => {
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }))
      for (const name of ['n_predict', 'max_completion_tokens']) {
        await server.finish('POST', '/completions', { model: 'priced', prompt: 'x', [name]: 8 })
        expect(server.received.at(-1)!.body).toMatchObject({ max_tokens: 8, [name]: 8 })
      }
    })

    test('a cost that no number can hold is refused, and not turned into a small one', async () => {
      expect((await ask('dear')).status).toBe(429)
    })

    test('an answer above its bound is settled as said, counted and logged', async () => {
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 1, completion_tokens: 50_000 } }))
      await ask('priced', { max_tokens: 10 })
      await server.now.writeUsage()
      const samples = await server.samples()
      expect(samples.keyhall_bound_broken_total).toBe(1)
      expect(samples['keyhall_spend_dollars{state="settled"}']).toBeGreaterThan(0.5)
      expect(warnings.filter((one) => one.includes('could cost at most'))).toMatchObject([
        expect.stringContaining('"upstream":"one","model":"priced"'),
      ])
    })

    test('tokens of an answer count as 0 where none is generated, which the log says once for each call', async () => {
      const counted = { embeddings: '/embeddings', moderations: '/moderations' }
      for (const [report, path] of Object.entries(counted)) {
        const model = `silent-${report}`
        for (const output_tokens of [0, 7, 8]) {
          server.answerWith(() => Response.json({ usage: { input_tokens: 3, output_tokens } }))
          await server.finish('POST', path, { model, input: 'Hello.' })
        }
        expect(await server.counted(report, model)).toMatchObject({ num_model_requests: 3, input_tokens: 9 })
        const said = warnings.filter((one) => one.includes(`"${model}"`) && one.includes('impossible'))
        expect(said).toEqual([expect.stringContaining('"members":"output_tokens"')])
      }
      const start_time = today / 1000
      const costs = await server.client.admin.organization.usage.costs({ start_time, group_by: ['line_item'] })
      const items = costs.data.at(-1)!.results as { line_item?: string; amount?: { value: number } }[]
      const silent = items.filter(({ line_item }) => line_item?.startsWith('silent-'))
      expect(silent.map(({ line_item, amount }) => [line_item, amount?.value])).toEqual([
        ['silent-embeddings, input_tokens', 9],
        ['silent-moderations, input_tokens', 9],
      ])
    })

    test('a model without a price costs nothing, which the log says once', async () => {
      for (let n = 0; n < 2; n++) expect((await ask('free')).status).toBe(200)
      await server.now.writeUsage()
      expect(warnings.filter((one) => one.includes('without a price') && one.includes('"free"'))).toHaveLength(1)
      const start_time = Math.floor(Date.now() / 86_400_000) * 86_400
      const costs = await server.client.admin.organization.usage.costs({ start_time, group_by: ['line_item'] })
      const items = costs.data.at(-1)!.results as { line_item?: string; amount?: object }[]
      expect(items.find(({ line_item }) => line_item === 'free, unpriced')).toMatchObject({ amount: { value: 0 } })
    })

    test('a prompt whose bytes do not fit is admitted if its tokens do, for a known tokenizer only', async () => {
      const { spendLimit } = server.client.admin.organization.projects
      const limit = { currency: 'USD', interval: 'month' } as const
      await spendLimit.update(server.project_id, { threshold_amount: 500_000, ...limit })
      // 2,400 of the text, and what a template adds, such as the 60 tokens that gpt-oss begins
      // with.
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 2_600, completion_tokens: 0 } }))
      const { keyhall_bound_broken_total: broken } = await server.samples()
      const messages = [{ role: 'user', content: 'Hello there, '.repeat(800) }]
      expect((await ask('gpt-4o', { messages })).status).toBe(200)
      expect((await ask('llama', { messages })).status).toBe(429)
      expect(await server.samples()).toMatchObject({ keyhall_bound_broken_total: broken })
      await spendLimit.update(server.project_id, { threshold_amount: 900_000_000, ...limit })
    })

    test('a price that begins tomorrow leaves what was used today as it is', async () => {
      server.answerWith(() => Response.json({ usage: { prompt_tokens: 1_000_000, completion_tokens: 0 } }))
      const spent = async () => {
        await server.now.writeUsage()
        const costs = await server.client.admin.organization.usage.costs({
          start_time: today / 1000,
          group_by: ['line_item'],
        })
        return costs.data.map(({ results }) =>
          (results as { line_item?: string; amount?: { value?: number } }[])
            .filter(({ line_item }) => line_item?.startsWith('changing'))
            .map(({ amount }) => amount?.value),
        )
      }
      expect((await ask('changing', { max_tokens: 1 })).status).toBe(200)
      expect(await spent()).toEqual([[1]])
      server.world.ahead += 86_400
      expect((await ask('changing', { max_tokens: 1 })).status).toBe(200)
      expect(await spent()).toEqual([[1], [3]])
      server.world.ahead -= 86_400
    })

    test('refusals are counted by their reason, and models that are not permitted among them', async () => {
      const { modelPermissions } = server.client.admin.organization.projects
      for (let n = 0; n < 2; n++) await ask('limited')
      await modelPermissions.update(server.project_id, { mode: 'deny_list', model_ids: ['free'] })
      expect((await ask('free')).status).toBe(403)
      expect(await server.samples()).toMatchObject({
        'keyhall_limit_refusals_total{reason="requests"}': 1,
        'keyhall_limit_refusals_total{reason="spend_project"}': 2,
        'keyhall_limit_refusals_total{reason="model"}': 1,
        'keyhall_limit_refusals_total{reason="spend_organization"}': 0,
        keyhall_late_settlements_total: 0,
        'keyhall_spend_dollars{state="burned"}': 0,
      })
      const nameless = await server.finish('POST', '/chat/completions', { messages: [] })
      expect([nameless.status, JSON.parse(nameless.text).error.param]).toEqual([400, 'model'])
    })
  })
