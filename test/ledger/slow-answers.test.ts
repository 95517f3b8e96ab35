/**
 * A database that takes more than a second to answer: a server must not take that for a sleep,
 * whatever its clock on the wall says.
 */
import { expect, test } from 'bun:test'
import { MINUTE } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { Servers } from './servers.ts'

for (const engine of engines)
  for (const ahead of [-60_000, 0, 60_000])
    test(`a request is admitted by an answer that took long, on a clock of ${ahead} ms (${engine})`, async () => {
      const servers = await Servers.open(engine)
      try {
        await servers.start()
        const slow = await servers.start({ ahead, delay: () => 1_300 })
        const windows = [{ limit_key: 'model', metric: 'requests', span: MINUTE, limit: 100, units: 1 }] as const
        for (let n = 0; n < 3; n++) {
          expect(await slow.use({ windows })).toBeNull()
          await servers.advance(5_000)
        }
      } finally {
        await servers.stop()
      }
    })
