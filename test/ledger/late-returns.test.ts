/**
 * Units that a request gives back to a grant which is not to be used any more: its server slept, or
 * the limit changed.
 */
import { describe, expect, test } from 'bun:test'
import { RateLimited } from '../../ledger/refusals.ts'
import { engines } from '../setup.ts'
import { askUnder } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`units that come back late (${engine})`, () => {
    let servers: Servers
    let one: Server
    let two: Server
    let project_id: string
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      project_id = `p${++tests}`
      one = await servers.start()
      two = await servers.start()
    })
    const tokens = (units: number, limit = 100) => askUnder(project_id, limit, units, 'tokens')

    test('are not used after a sleep in which their grant expired', async () => {
      const running = await one.admit(tokens(98))
      await servers.advance(500)
      await one.sleep(4_000)
      const { writes } = one
      await servers.advance(100)
      expect(one.writes).toBeGreaterThan(writes)
      running.settle({ requests: 1 }, { units: { tokens: 0 } })
      // What it was granted counts as used until a minute after its grant expired.
      const used = (await one.use(tokens(98))) === null ? 98 : 0
      const at = servers.now
      await servers.advance(57_900)
      expect(servers.now - at).toBeLessThan(60_000)
      const others = (await two.use(tokens(100))) === null ? 100 : 0
      expect(used + others).toBeLessThanOrEqual(100)
    })

    test('are not used under a limit that was lowered meanwhile', async () => {
      const running = await one.admit(tokens(50))
      for (const { ledger } of servers.all) ledger.forget({ organization_id: 'org', scope: 'project', id: project_id })
      // The first request under it is refused without an exchange.
      expect(await one.use(tokens(11, 10))).toBeInstanceOf(RateLimited)
      running.settle({ requests: 1 }, { units: { tokens: 0 } })
      let used = 0
      while ((await one.use(tokens(1, 10))) === null) used++
      expect(used).toBe(10)
    })
  })
