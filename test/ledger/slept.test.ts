/**
 * Rate limits of two servers, of which one sleeps: its steady clock stands still, so what it was
 * granted seems to be valid, though it has expired and other servers may use it.
 */
import { describe, expect, test } from 'bun:test'
import type { Metric } from '../../ledger/ask.ts'
import { LedgerUnavailable, RateLimited } from '../../ledger/refusals.ts'
import { engines } from '../setup.ts'
import { askUnder } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

const LIMIT = 100
/** Longer than a grant lives, and counts as used after that. */
const SLEEP = 65_000

for (const engine of engines)
  describe(`a server that slept (${engine})`, () => {
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

    const under = (units = 1, metric?: Metric) => askUnder(project_id, LIMIT, units, metric)
    const tried = async (server: Server) => {
      try {
        const admission = await server.ledger.admit(under())
        admission.settle({ requests: 1 })
        return 1
      } catch (error) {
        if (error instanceof RateLimited || error instanceof LedgerUnavailable) return 0
        throw error
      }
    }
    /** How many of so many requests that come at once are admitted. */
    const admitted = async (server: Server, times: number) => {
      const each = await Promise.all(Array.from({ length: times }, () => tried(server)))
      return each.reduce<number>((sum, one) => sum + one, 0)
    }
    const use = (server: Server, times: number) => servers.during(admitted(server, times))
    /** Lets a server have a grant with units that nobody asked for yet, for two seconds. */
    const grant = async () => {
      expect(await use(one, 20)).toBe(20)
      await servers.advance(500)
    }
    /** More than the limit allows. */
    const useBoth = () =>
      servers.during(Promise.all([admitted(one, 30), admitted(two, LIMIT)]).then(([some, others]) => some + others))

    test('uses none of the grants of two seconds that it had', async () => {
      await grant()
      await one.sleep(SLEEP)
      expect(await useBoth()).toBeWithin(LIMIT - 1, LIMIT + 1)
    })

    test('uses none of them when it made an exchange before the next request', async () => {
      await grant()
      // So short that nobody takes it for dead.
      await one.sleep(4_000)
      const { writes } = one
      await servers.advance(600)
      expect(one.writes).toBeGreaterThan(writes)
      const before = await use(one, 30)
      await servers.advance(58_000)
      expect(before + (await use(two, LIMIT))).toBeWithin(LIMIT - 1, LIMIT + 1)
    })

    test('uses no standing grant when it made an exchange for something else', async () => {
      two.die()
      await servers.advance(10_000)
      expect(await use(one, 1)).toBe(1)
      await servers.advance(60_000)
      // Until what it holds was just extended.
      for (const writes = one.writes; one.writes === writes;) await servers.advance(500)
      await one.sleep(120_000)
      expect(await one.use({ project_id: 'other' })).toBeNull()
      const { writes } = one
      await servers.advance(600)
      expect(one.writes).toBeGreaterThan(writes)
      two = await servers.start()
      const first = await useBoth()
      // When the first one has given back what it holds for requests to come.
      await servers.advance(5_000)
      expect(first + (await use(two, LIMIT))).toBeWithin(LIMIT - 1, LIMIT + 1)
    })

    test('uses nothing that it was granted while it fell asleep', async () => {
      const { promise: answer, resolve } = Promise.withResolvers<void>()
      one.answer = answer
      const asked = admitted(one, 20)
      await servers.quiet()
      await one.sleep(SLEEP)
      resolve()
      await servers.quiet()
      expect((await asked) + (await useBoth())).toBeWithin(LIMIT - 1, LIMIT + 1)
    })

    test('counts what a request used more than was estimated, when it ends after the sleep', async () => {
      const running = await one.admit(under(20, 'tokens'))
      await servers.advance(500)
      await one.sleep(SLEEP)
      running.settle({ requests: 1 }, { units: { tokens: 60 } })
      await servers.advance(600)
      expect(await two.use(under(61, 'tokens'))).not.toBeNull()
      expect(await two.use(under(60, 'tokens'))).toBeNull()
    })
  })
