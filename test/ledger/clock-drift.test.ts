/** Rate limits of servers whose steady clock runs a little faster or slower than the database's. */
import { describe, expect, test } from 'bun:test'
import { MINUTE } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { ask, series } from './asks.ts'
import { Servers } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`a clock that drifts (${engine})`, () => {
    let servers: Servers
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      tests++
    })

    const under = (limit: number) => {
      const project_id = `p${tests}`
      const window = { limit_key: 'model', metric: 'requests', span: MINUTE, limit, units: 1 } as const
      return ask({ project_id, series: { ...series, project_id }, windows: [window] })
    }

    for (const slow of [500e-6, -500e-6])
      test(`counts no use before it happened, after a long rest (${slow * 1e6} ppm slow)`, async () => {
        const one = await servers.start({ slow })
        await one.use(under(60))
        await servers.advance(1_000)
        servers.now += 3_600_000
        // Until what is held at rest was just extended, and then until just before it is again.
        for (let writes = one.writes; one.writes < writes + 3;) await servers.advance(5_000)
        await servers.advance(560_000)
        const began = servers.now
        for (let n = 0; n < 61; n++) await one.use(under(60))
        await servers.advance(59_600)
        // Those of before still count in each minute that ends before their own is over.
        for (; servers.now < began + 60_000; await servers.advance(5)) expect(await one.use(under(60))).not.toBeNull()
        await servers.advance(700)
        expect(await one.use(under(60))).toBeNull()
      })
  })
