/**
 * A batch takes an estimate from a limit of a day, and its result says hours later what it used.
 */
import { describe, expect, test } from 'bun:test'
import type { Admission } from '../../ledger/admission.ts'
import { RateLimited } from '../../ledger/refusals.ts'
import { DAY } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { ask } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

const HOUR_MILLISECONDS = 3_600_000
const tokens = (units: number) =>
  ask({ windows: [{ limit_key: 'model', metric: 'batch_tokens_per_day', span: DAY, limit: 1_000, units }] })

for (const engine of engines)
  describe(`the true number of a batch (${engine})`, () => {
    let servers: Servers
    withServers(engine, async (started) => {
      servers = started
    })
    const begin = async (server: Server, units: number): Promise<Admission> => {
      const admission = await server.admit(tokens(units))
      admission.defer({
        kind: 'batch',
        upstream: 'one',
        result_id: `batch_${units}`,
        metered: '{}',
        patience_milliseconds: 1_000,
      })
      return admission
    }

    // One that is alone keeps some of a limit for an hour, so its limit stays in memory for longer.
    for (const [count, hours] of [
      [1, 1.3],
      [2, 0.1],
    ] as const)
      test(`replaces its estimate after ${hours} hours, where servers are ${count}`, async () => {
        const [one] = await Promise.all(Array.from({ length: count }, () => servers.start()))
        const [small, large] = [await begin(one!, 100), await begin(one!, 800)]
        await servers.advance(hours * HOUR_MILLISECONDS)
        large.correct({ batch_tokens_per_day: 200 })
        await servers.advance(1_000)
        expect(await one!.use(tokens(600))).toBeNull()
        small.correct({ batch_tokens_per_day: 150 })
        await servers.advance(1_000)
        expect(await one!.use(tokens(51))).toBeInstanceOf(RateLimited)
        expect(await one!.use(tokens(50))).toBeNull()
      }, 60_000)
  })
