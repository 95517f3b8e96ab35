/**
 * A server that is killed takes along what it asked for when it started. One that crashes again and
 * again must not use up limits under which no request comes.
 */
import { expect, test } from 'bun:test'
import type { Metric } from '../../ledger/ask.ts'
import { DAY, MINUTE } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { ask } from './asks.ts'
import { Servers, type Server } from './servers.ts'

const LIMIT = 1_000
const under = (metric: Metric, span = metric === 'requests' ? MINUTE : DAY) =>
  ask({ windows: [{ limit_key: 'model', metric, span, limit: LIMIT, units: 1 }] })

for (const engine of engines)
  test(`limits are left after a server crashed many times (${engine})`, async () => {
    const servers = await Servers.open(engine)
    const useAll = async (server: Server, metric: Metric) => {
      for (let used = 0; ; used++) if ((await server.use(under(metric))) !== null) return used
    }
    try {
      const first = await servers.start()
      for (const metric of ['requests', 'requests_per_day'] as const) expect(await first.use(under(metric))).toBeNull()
      await servers.during(first.ledger.stop())
      first.die()
      for (let n = 0; n < 20; n++) {
        const server = await servers.start()
        // Until the lease of the one before is over, and a little longer.
        await servers.advance(7_000)
        server.die()
      }
      const last = await servers.start()
      expect(await useAll(last, 'requests')).toBe(LIMIT)
      expect(await useAll(last, 'requests_per_day')).toBeWithin(LIMIT - 50, LIMIT)
    } finally {
      await servers.stop()
    }
  }, 60_000)
