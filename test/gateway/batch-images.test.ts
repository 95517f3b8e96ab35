/**
 * Batches of images: a line may ask for several, and their result says only how many lines
 * succeeded.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { eventually, startMetered, type MeteredServer } from './metered.ts'

const URL = '/v1/images/generations'
/** Of an image in a batch, in nano-dollars. */
const COST = 20_000_000

for (const engine of engines)
  describe(`a batch of images (${engine})`, () => {
    let server: MeteredServer
    let file = ''
    let result: object = {}

    beforeAll(async () => {
      server = await startMetered(engine, [{ match: '*', prices: [{ image: 0.04, batch: 0.5 }] }])
      server.answerWith(({ method, path }) => {
        if (path.startsWith('/files/')) return new Response(file)
        return Response.json(method === 'POST' ? { id: 'batch', object: 'batch', status: 'validating' } : result)
      })
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const settled = async () => {
      await server.now.writeUsage()
      const rows = await server.database.read.selectFrom('budgets').selectAll().where('project_id', '=', '').execute()
      return rows.reduce((sum, { settled }) => sum + settled, 0)
    }
    const waiting = async () => {
      await server.now.writeUsage()
      return server.database.read.selectFrom('deferred_requests').selectAll().execute()
    }

    /** What a batch with these lines counts as, of which so many succeeded. */
    const counted = async (model: string, lines: readonly object[], completed: number, more: object = {}) => {
      const before = await settled()
      file = lines.map((more) => JSON.stringify({ url: URL, body: { model, prompt: 'x', ...more } })).join('\n')
      await server.finish('POST', '/batches', { input_file_id: 'file', endpoint: URL })
      await eventually(async () => (await waiting()).length === 1)
      const usage = { input_tokens: 10, output_tokens: 0 }
      result = { id: 'batch', status: 'completed', usage, request_counts: { completed }, ...more }
      await server.finish('GET', '/batches/batch')
      await eventually(async () => (await waiting()).length === 0)
      const { images, num_model_requests, size } = await server.counted('images', model, ['model', 'size'])
      return { images, num_model_requests, size, cost: (await settled()) - before }
    }

    test('counts the images of all lines', async () => {
      expect(await counted('all', [{ n: 3 }, { n: 2 }, {}], 3)).toMatchObject({
        images: 6,
        num_model_requests: 3,
        cost: 6 * COST,
      })
    })

    test('counts those of the lines that succeeded, where all ask for as many', async () => {
      expect(await counted('alike', [{ n: 3 }, { n: 3 }, { n: 3 }], 2)).toMatchObject({ images: 6, cost: 6 * COST })
    })

    test('counts the most that the lines that succeeded can have made, where they differ', async () => {
      expect(await counted('one', [{ n: 4 }, { n: 2 }, {}], 1)).toMatchObject({ images: 4, cost: 4 * COST })
      expect(await counted('two', [{ n: 4 }, { n: 2 }, {}], 2)).toMatchObject({ images: 6, cost: 6 * COST })
    })

    test('counts no image where no line succeeded', async () => {
      expect(await counted('none', [{ n: 4 }], 0)).toMatchObject({ images: 0, cost: 0 })
    })

    test('counts all that could be made, where the result says nothing', async () => {
      const more = { usage: null, request_counts: null }
      // 3 nano-dollars for rounding up each line.
      expect(await counted('silent', [{ n: 4 }, {}], 0, more)).toMatchObject({ images: 5, cost: 5 * COST + 6 })
    })

    test('counts all lines where the result does not say in a possible number how many succeeded', async () => {
      for (const [n, completed] of [1e300, 7, -1, 0.5, '1', null].entries())
        expect(await counted(`number${n}`, [{ n: 4 }, {}], 0, { request_counts: { completed } })).toMatchObject({
          images: 5,
          num_model_requests: 2,
          cost: 5 * COST,
        })
      expect(await counted('nothing', [{ n: 4 }, {}], 0, { request_counts: undefined })).toMatchObject({ images: 5 })
    })

    test('has the size of its lines, where all name the same one', async () => {
      const [small, large] = [{ size: '256x256' }, { size: '1024x1024' }]
      expect((await counted('small', [small, small], 2)).size).toBe('256x256')
      expect((await counted('mixed', [small, large], 2)).size).toBeNull()
    })
  })
