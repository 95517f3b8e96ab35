/** Reports at the turn of a minute. */
import { expect, test } from 'bun:test'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startMetered } from './metered.ts'

for (const engine of engines)
  test(
    `what was used in the first second of a minute is in the report of that second (${engine})`,
    async () => {
      const server = await startMetered(engine)
      try {
        server.answerWith(() => Response.json({ usage: { prompt_tokens: 3, completion_tokens: 4 } }))
        server.world.ahead = 60 - ((Date.now() / 1000) % 60)
        await server.finish('POST', '/chat/completions', { model: 'm', messages: [] })
        await server.now.writeUsage()
        expect(await server.used('completions', 'm')).toMatchObject({ input_tokens: 3, output_tokens: 4 })
      } finally {
        await server.stop()
      }
    },
    START_MILLISECONDS,
  )
