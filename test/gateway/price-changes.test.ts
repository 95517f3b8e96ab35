/**
 * A price that changes in the middle of a day: each request costs what held when it was admitted.
 */
import { describe, expect, test } from 'bun:test'
import { movedWith } from '../moved-clock.ts'
import { engines } from '../setup.ts'
import { startMetered, type MeteredServer } from './metered.ts'

const DAY = 86_400_000

for (const engine of engines)
  describe(`prices (${engine})`, () => {
    test('that change at noon hold from the very second on, also for an answer that ends later', async () => {
      const midnight = Math.ceil(Date.now() / DAY) * DAY
      const noon = midnight + DAY / 2
      let started: MeteredServer | undefined
      const server = await startMetered(
        engine,
        [
          {
            match: 'changing',
            prices: [
              { input: 0.0125, output: 1 },
              { valid_from: new Date(noon).toISOString().replace('.000', ''), input: 0.025, output: 3 },
            ],
          },
        ],
        { wrap: movedWith(() => started) },
      )
      started = server
      try {
        let end = () => {}
        const usage = { prompt_tokens: 1_001, completion_tokens: 7 }
        server.answerWith(() => Response.json({ usage }))
        const at = (milliseconds: number) => void (server.world.ahead = (milliseconds - Date.now()) / 1000)
        const ask = () => server.finish('POST', '/chat/completions', { model: 'changing', messages: [] })
        at(noon - 5_000)
        await ask()
        // Admitted before noon, answered after it.
        server.answerWith(async () => {
          await new Promise<void>((resolve) => (end = resolve))
          return Response.json({ usage })
        })
        const late = ask()
        while (server.received.length < 2) await Bun.sleep(1)
        at(noon)
        server.answerWith(() => Response.json({ usage }))
        await ask()
        end()
        await late
        await server.now.writeUsage()
        const { data } = await server.client.admin.organization.usage.costs({
          start_time: midnight / 1000,
          end_time: (midnight + DAY) / 1000,
          group_by: ['line_item'],
        })
        const results = data[0]!.results as { line_item?: string; amount?: { value: number }; quantity?: number }[]
        const nano = results.map(({ line_item, amount, quantity }) => [line_item, amount!.value * 1e9, quantity])
        // 1,001 tokens at 12.5 nano-dollars are 12,512.5, rounded up once for each request.
        expect(nano.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))).toEqual([
          ['changing, input_tokens', 2 * 12_513 + 25_025, 3 * 1_001],
          ['changing, output_tokens', 2 * 7_000 + 21_000, 21],
        ])
      } finally {
        await server.stop()
      }
    })
  })
