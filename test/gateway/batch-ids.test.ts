/** The ids that upstreams give to batches are written down, and become a part of an address. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer } from './metered.ts'

for (const engine of engines)
  describe(`ids of batches (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine)
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    for (const [n, id] of ['a\0b', '../files', 'a?b', 'x'.repeat(1_000), '', 'a%2Fb', 'é', 'a\n'].entries())
      test(`a batch whose id is ${JSON.stringify(id.slice(0, 8))} counts at once as the most that it can use`, async () => {
        const line = JSON.stringify({ url: '/v1/embeddings', body: { model: `m${n}`, input: 'x' } })
        server.answerWith(({ path }) => (path.startsWith('/files/') ? new Response(line) : Response.json({ id })))
        const { status } = await server.finish('POST', '/batches', {
          input_file_id: 'file',
          endpoint: '/v1/embeddings',
        })
        expect(status).toBe(200)
        expect(await server.counted('embeddings', `m${n}`)).toMatchObject({ num_model_requests: 1 })
      })

    test('a batch with another id waits for its result', async () => {
      for (const id of ['batch_68f-1', 'batches/a1', 'bGl0=', 'projects.1:2']) {
        const line = JSON.stringify({ url: '/v1/embeddings', body: { model: 'a', input: 'x' } })
        server.answerWith(({ path }) => (path.startsWith('/files/') ? new Response(line) : Response.json({ id })))
        await server.finish('POST', '/batches', { input_file_id: 'file', endpoint: '/v1/embeddings' })
        await eventually(async () => {
          await server.now.writeUsage()
          const rows = await server.database.read.selectFrom('deferred_requests').select('result_id').execute()
          return rows.some(({ result_id }) => result_id === id)
        })
      }
    })
  })
