/** LiteLLM takes the model that the query names before the one in the body. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

for (const engine of engines)
  describe(`a query that names a model (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      server = await startMetered(engine)
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const form = () => {
      const fields = new FormData()
      fields.set('model', 'one')
      return fields
    }
    const status = async (search: string, body: object = { model: 'one' }, path = '/chat/completions') => {
      const before = server.received.length
      const answer = await server.finish('POST', `${path}?${search}`, body)
      return [answer.status, server.received.length - before]
    }

    test('beside that of the body is forwarded where both are the same', async () => {
      expect(await status('model=one')).toEqual([200, 1])
      expect(await status('model=two', {}, '/files')).toEqual([200, 1])
      expect(await status('model=')).toEqual([200, 1])
    })

    test('beside another, or none, is refused', async () => {
      for (const search of ['model=two', 'mod%65l=two', 'MODEL=two', 'model=one&model=two'])
        for (const body of [{ model: 'one' }, {}])
          expect([search, ...(await status(search, body))]).toEqual([search, 400, 0])
      expect(await status('model=two', form(), '/images/edits')).toEqual([400, 0])
      expect(await status('model=two', { model: 'one' }, '/deployments/one/chat/completions')).toEqual([400, 0])
      expect(await status('model=two', { model: 'one' }, '/videos')).toEqual([400, 0])
    })
  })
