/**
 * Images in base64 are longer than what is kept of an answer: each of them is counted all the same.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { events, startMetered, streamOf, type MeteredServer } from './metered.ts'

/** 300 kB of base64. */
const picture = { b64_json: 'iVBO'.repeat(75_000), revised_prompt: 'Write "Hello", with a \\.' }
const usage = { input_tokens: 5, output_tokens: 6, total_tokens: 11 }

for (const engine of engines)
  describe(`large images (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      const prices = [{ image: 0.04, input: 1, output: 2 }]
      server = await startMetered(engine, [
        { match: 'whole', prices, limits: { images_per_minute: 3 } },
        { match: 'stream', prices },
      ])
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const ask = (model: string, more: object) =>
      server.finish('POST', '/images/generations', { model, prompt: 'A cat', ...more })

    /** The quantities of today by line item. */
    async function quantities(model: string) {
      const start_time = Math.floor(server.world.now() / 86_400_000) * 86_400
      const costs = await server.client.admin.organization.usage.costs({ start_time, group_by: ['line_item'] })
      const results = costs.data.at(-1)!.results as { line_item?: string; quantity?: number }[]
      const own = results.filter(({ line_item }) => line_item?.startsWith(`${model}, `))
      return Object.fromEntries(own.map(({ line_item, quantity }) => [line_item!.slice(model.length + 2), quantity]))
    }

    test('in one answer are counted, wherever it is cut, and count against the limit of a minute', async () => {
      const answer = JSON.stringify({ data: [picture, picture], usage }, null, 1)
      const cut = answer.indexOf('\\"') + 1
      server.answerWith(() => streamOf([answer.slice(0, cut), answer.slice(cut, 400_000), answer.slice(400_000)]))
      expect((await ask('whole', { n: 2 })).text).toBe(answer)
      expect(await server.counted('images', 'whole')).toMatchObject({ images: 2, num_model_requests: 1 })
      expect(await quantities('whole')).toEqual({ images: 2, input_tokens: 5, output_tokens: 6 })
      expect((await ask('whole', { n: 2 })).status).toBe(429)
    })

    test('in a stream are counted, each with its usage', async () => {
      const completed = { type: 'image_generation.completed', ...picture, usage }
      const text = events({ type: 'image_generation.partial_image', ...picture }, completed, completed)
      server.answerWith(() => streamOf([text.slice(0, 500_000), text.slice(500_000)]))
      expect((await ask('stream', { n: 2, stream: true })).text).toBe(text)
      expect(await server.counted('images', 'stream')).toMatchObject({ images: 2, num_model_requests: 1 })
      expect(await quantities('stream')).toEqual({ images: 2, input_tokens: 10, output_tokens: 12 })
    })
  })
