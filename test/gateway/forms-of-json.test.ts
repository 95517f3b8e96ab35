/**
 * Under a spend limit, the maximum of an answer is set in the body of a request. A form cannot be
 * changed, so one is refused where the maximum would have to be set.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

for (const engine of engines)
  describe(`a form where JSON is usual (${engine})`, () => {
    let server: MeteredServer
    beforeAll(async () => {
      const prices = [{ input: 1, output: 2 }]
      server = await startMetered(engine, [{ match: '*', prices, context_tokens: 2048, max_output_tokens: 64 }])
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    const paths = ['/completions', '/responses', '/chat/completions', '/messages']
    const send = async (path: string) => {
      const body = new FormData()
      body.append('model', 'a')
      body.append('prompt', 'Hello?')
      const { status, text } = await server.finish('POST', path, body)
      return { status, error: (JSON.parse(text) as { error?: { message?: string } }).error?.message }
    }
    const reserved = async () => {
      await server.now.writeUsage()
      return (await server.samples())['keyhall_spend_dollars{state="reserved"}']
    }

    test('is forwarded without a spend limit', async () => {
      for (const path of paths) expect([path, (await send(path)).status]).toEqual([path, 200])
    })

    test('is refused under one, forwarded to nobody, and leaves nothing reserved', async () => {
      const { spendLimit } = server.client.admin.organization.projects
      await spendLimit.update(server.project_id, { threshold_amount: 100_000, currency: 'USD', interval: 'month' })
      server.received.length = 0
      for (const path of paths)
        expect([path, await send(path)]).toEqual([
          path,
          { status: 400, error: expect.stringContaining('must be JSON under a spend limit') },
        ])
      expect(server.received).toEqual([])
      expect(await reserved()).toBe(0)
      const rows = await server.database.read.selectFrom('in_flight').selectAll().execute()
      expect(rows).toEqual([])
    })
  })
