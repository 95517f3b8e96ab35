/**
 * Numbers that a request names, and that are larger than anything an upstream can do. Without a
 * limit they are forwarded, and must not become usage that no database can hold.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer } from './metered.ts'

for (const engine of engines)
  describe(`numbers that a request names (${engine})`, () => {
    let server: MeteredServer
    let file = ''
    let result: object = {}
    beforeAll(async () => {
      server = await startMetered(engine, [{ match: 'priced', prices: [{ input: 1, output: 1_000_000 }] }])
      server.answerWith(({ method, path }) => {
        if (path.startsWith('/files/')) return new Response(file)
        if (path.startsWith('/batches'))
          return Response.json(method === 'POST' ? { id: 'batch', object: 'batch', status: 'validating' } : result)
        return Response.json({})
      })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const waiting = async () => {
      await server.now.writeUsage()
      return server.database.read.selectFrom('deferred_requests').selectAll().execute()
    }

    for (const value of [1e300, 1e18])
      test(`${value} is written down as what can be, and usage after it too`, async () => {
        const name = `m${value}`
        await server.finish('POST', '/images/generations', { model: name, prompt: 'x', n: value })
        await server.finish('POST', '/responses', {
          model: name,
          input: 'x',
          background: true,
          max_output_tokens: value,
        })
        await server.finish('POST', '/embeddings', { model: `after ${name}`, input: 'x' })
        expect(await server.counted('embeddings', `after ${name}`)).toMatchObject({ num_model_requests: 1 })
        const images = await server.counted('images', name)
        const responses = await server.counted('completions', name)
        expect([images.images, responses.output_tokens]).toEqual([1e6, 1e9])
      })

    test('a batch of many such lines reserves what can be', async () => {
      const body = { model: 'priced', messages: [], max_tokens: 1e300, n: 1e300 }
      file = Array(1_100)
        .fill(JSON.stringify({ url: '/v1/chat/completions', body }))
        .join('\n')
      await server.finish('POST', '/batches', { input_file_id: 'file', endpoint: '/v1/chat/completions' })
      await eventually(async () => (await waiting()).length === 1)
      // Thousands of such batches can be added up.
      expect((await waiting())[0]!.amount).toBe(1e14)
      result = { id: 'batch', status: 'failed' }
      await server.finish('GET', '/batches/batch')
      await eventually(async () => (await waiting()).length === 0)
    })

    test('a batch of lines with such numbers is settled', async () => {
      const body = { model: 'batch', prompt: 'x', n: 1e300 }
      const line = JSON.stringify({ url: '/v1/images/generations', body })
      file = `${line}\n${line}`
      await server.finish('POST', '/batches', { input_file_id: 'file', endpoint: '/v1/images/generations' })
      await eventually(async () => (await waiting()).length === 1)
      result = { id: 'batch', status: 'completed', usage: { input_tokens: 1, output_tokens: 0 } }
      await server.finish('GET', '/batches/batch')
      await eventually(async () => (await waiting()).length === 0)
      expect(await server.counted('images', 'batch')).toMatchObject({ num_model_requests: 2 })
    })
  })
