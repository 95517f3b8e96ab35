/**
 * The lines of a batch cannot be changed, because the upstream has their file. So under a spend
 * limit each must bound its own answer.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer } from './metered.ts'

const CHAT = '/v1/chat/completions'
const OUTPUT = 20
const PRICE = 0.5
const CONTEXT = 50_000

for (const engine of engines)
  describe(`bounds of a batch (${engine})`, () => {
    let server: MeteredServer
    /** The input file that the upstream has. */
    let file = ''
    let batches = 0

    beforeAll(async () => {
      const prices = [{ input: 10, output: OUTPUT, batch: PRICE }]
      server = await startMetered(engine, [
        { match: 'priced', prices, max_output_tokens: 64 },
        { match: 'open', prices },
        { match: 'long', prices, max_output_tokens: 64, context_tokens: CONTEXT },
        { match: 'embedding', prices: [{ input: 10, output: 0, batch: PRICE }] },
      ])
      server.answerWith(({ path }) =>
        path.startsWith('/files/')
          ? new Response(file)
          : Response.json({ id: `batch_${++batches}`, object: 'batch', status: 'validating' }),
      )
      const { spendLimit } = server.client.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 100_000, currency: 'USD', interval: 'month' })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())
    beforeEach(() => {
      server.received.length = 0
    })

    /** Makes a batch of requests with these bodies; answers the error, or what it reserves. */
    const batch = async (bodies: readonly object[], url = CHAT) => {
      file = bodies.map((body) => JSON.stringify({ custom_id: 'x', method: 'POST', url, body })).join('\n')
      const { status, text } = await server.finish('POST', '/batches', { input_file_id: 'file', endpoint: url })
      if (status !== 200)
        return { status, ...(JSON.parse(text) as { error: { param: string; message: string } }).error }
      const rows = () => server.database.read.selectFrom('deferred_requests').selectAll().execute()
      await eventually(async () => {
        await server.now.writeUsage()
        return (await rows()).length > 0
      })
      const [row] = await rows()
      await server.database.write((sql) => sql.updateTable('deferred_requests').set({ look_at: 0 }).execute())
      server.answerWith(({ path }) =>
        path.startsWith('/files/')
          ? new Response(file)
          : Response.json({ id: `batch_${++batches}`, object: 'batch', status: 'failed' }),
      )
      await server.now.lookForResults()
      return { status, reserved: row!.amount }
    }
    const line = (more: object, model = 'priced') => ({ model, messages: [], ...more })
    const refusal = (line: number, name: string) => ({
      status: 400,
      param: 'input_file_id',
      message: expect.stringMatching(new RegExp(`^Line ${line} of the input file: .*'${name}'`)),
    })
    const wasSent = () => server.received.some(({ path }) => path === '/batches')

    test('a line whose prompt is more than its bytes is reserved at the longest prompt of its model', async () => {
      const message = (content: object) => line({ messages: [{ role: 'user', content: [content] }], max_tokens: 9 })
      const kept = { input: 'x', max_output_tokens: 9 }
      for (const [url, body] of [
        [CHAT, message({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } })],
        [CHAT, message({ type: 'input_audio', input_audio: { data: 'UklGRg==' } })],
        [CHAT, message({ type: 'file', file: { file_id: 'file_1' } })],
        ['/v1/responses', { ...kept, prompt: { id: 'pmpt_1' } }],
        ['/v1/responses', { ...kept, previous_response_id: 'resp_1' }],
        ['/v1/responses', { ...kept, tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
      ] as const) {
        const answer = await batch([{ ...body, model: 'long' }], url)
        expect([url, answer.status]).toEqual([url, 200])
        expect(answer.reserved).toBeWithin((CONTEXT * 10 + 9 * OUTPUT) * 1_000 * PRICE, CONTEXT * 11 * 1_000 * PRICE)
        expect(await batch([{ ...body, model: 'priced' }], url)).toMatchObject({
          status: 400,
          message: expect.stringContaining('`context_tokens` of `priced`'),
        })
      }
    })

    for (const [name, value] of [
      ['is not there', {}],
      ['is null', { max_tokens: null }],
      ['is 0', { max_tokens: 0 }],
      ['is -1', { max_tokens: -1 }],
      ['is an empty text', { max_tokens: '' }],
      ['is 0 beside another', { max_tokens: 0, max_completion_tokens: 10 }],
    ] as const)
      test(`a line whose maximum ${name} is refused, and named`, async () => {
        for (const model of ['priced', 'open']) {
          const bodies = [line({ max_tokens: 10 }, model), line(value, model)]
          expect(await batch(bodies)).toMatchObject(refusal(2, 'max_tokens'))
        }
        expect(wasSent()).toBe(false)
      })

    test('lines for another path than the batch names are refused', async () => {
      file = JSON.stringify({ url: '/v1/moderations', body: line({}) })
      for (const endpoint of [CHAT, 'chat/completions', '/v1/Moderations'])
        expect((await server.finish('POST', '/batches', { input_file_id: 'file', endpoint })).status).toBe(400)
      expect(wasSent()).toBe(false)
    })

    test('a line whose number of answers cannot be read is refused, and named', async () => {
      const bodies = [line({ max_tokens: 10 }), line({ max_tokens: 10 }), line({ max_tokens: 10, n: '' })]
      expect(await batch(bodies)).toMatchObject(refusal(3, 'n'))
      expect(wasSent()).toBe(false)
    })

    test('a line is reserved at the maximum that it names, also above that of the model', async () => {
      for (const [maxima, output] of [
        [{ max_tokens: 10 }, 10],
        [{ max_completion_tokens: 10 }, 10],
        [{ max_tokens: 10, max_completion_tokens: 20 }, 20],
        [{ max_tokens: 5_000 }, 5_000],
        [{ max_tokens: '5_000', n: 2 }, 10_000],
      ] as const) {
        const body = line(maxima)
        const input = Buffer.byteLength(JSON.stringify(body)) + 256
        const bound = (input * 10 + output * OUTPUT) * PRICE * 1000 + 3
        expect(await batch([body])).toEqual({ status: 200, reserved: bound })
      }
    })

    test('a model whose setting is missing is refused with the name of the setting', async () => {
      const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.test/b' } }] }
      expect(await batch([line({ messages: [image], max_tokens: 10 }, 'open')])).toMatchObject({
        status: 400,
        message: expect.stringContaining('context_tokens'),
      })
      expect(await batch([{ model: 'open', input: [] }], '/v1/responses/compact')).toMatchObject({
        status: 400,
        message: expect.stringContaining('max_output_tokens'),
      })
    })

    test('a line whose answer costs nothing needs no maximum', async () => {
      expect(await batch([line({}, 'embedding')])).toMatchObject({ status: 200 })
      expect(await batch([{ model: 'embedding', input: 'x' }], '/v1/embeddings')).toMatchObject({ status: 200 })
    })

    test('without a spend limit no line needs a maximum', async () => {
      const { spendLimit } = server.client.admin.organization.projects
      await spendLimit.delete(server.project_id)
      for (const maxima of [{}, { max_tokens: 0 }, { n: '' }])
        expect(await batch([line(maxima)])).toMatchObject({ status: 200 })
      await spendLimit.update(server.project_id, { threshold_amount: 100_000, currency: 'USD', interval: 'month' })
    })
  })
