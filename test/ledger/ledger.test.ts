/**
 * The ledger on both engines: what it admits, refuses and counts, and what its books say meanwhile.
 */
import { describe, expect, test } from 'bun:test'
import { LedgerUnavailable, RateLimited, SpendLimited } from '../../ledger/refusals.ts'
import { MINUTE } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { ask } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`the ledger (${engine})`, () => {
    let servers: Servers
    let one: Server
    let two: Server
    withServers(engine, async (started) => {
      servers = started
      one = await servers.start()
      two = await servers.start()
    })

    test('spends a limit to the last unit and not one more, on two servers side by side', async () => {
      const both = [one, two]
      const what = { project_id: 'spends', limits: { organization: null, project: 5_000 } }
      const spent = { admitted: 0, refused: 0 }
      const work = async (n: number) => {
        for (let i = 0; i < 40; i++) {
          const bound = 1 + ((n * 7 + i * 13) % 50)
          try {
            const admission = await both[n % 2]!.ledger.admit(ask({ ...what, bound }))
            await Bun.sleep(n % 3)
            if (i % 9 === 8) {
              admission.release()
              continue
            }
            const cost = Math.ceil(bound / (1 + (i % 2)))
            spent.admitted += cost
            admission.settle({ requests: 1, cost_output: cost })
          } catch (error) {
            if (!(error instanceof SpendLimited)) throw error
            spent.refused++
          }
        }
      }
      const found: string[] = []
      const working = { isOver: false }
      const passing = (async () => {
        // Time moves meanwhile, so that what the two hold is exchanged.
        while (!working.isOver) {
          await servers.advance(50)
          found.push(...(await servers.wrong({ spends: 5_000 })))
        }
      })()
      await Promise.all(Array.from({ length: 30 }, (_, n) => work(n)))
      working.isOver = true
      await passing
      expect(found).toEqual([])
      expect(spent.refused).toBeGreaterThan(0)
      await servers.advance(2_000)
      // All that is left can be spent, and then nothing.
      const left = 5_000 - spent.admitted
      expect(await two.use({ ...what, bound: left + 1 })).toBeInstanceOf(SpendLimited)
      await servers.advance(1_000)
      const last = await two.ledger.admit(ask({ ...what, bound: left }))
      last.settle({ requests: 1, cost_output: left })
      await servers.advance(1_000)
      expect(await one.use({ ...what, bound: 1 })).toBeInstanceOf(SpendLimited)
      expect(await servers.wrong({ spends: 5_000 })).toEqual([])
    }, 60_000)

    test('admits the last unit of a rate limit and refuses the next, until the time that it says', async () => {
      const windows = [{ limit_key: 'model', metric: 'requests', span: MINUTE, limit: 20, units: 1 }] as const
      const what = { project_id: 'rates', windows }
      for (let i = 0; i < 20; i++) {
        expect(await (i % 2 ? one : two).use(what)).toBeNull()
        await servers.advance(100)
      }
      await servers.advance(2_000)
      const refused = (await one.use(what)) as RateLimited
      expect(refused).toBeInstanceOf(RateLimited)
      const wait = refused.retry_milliseconds!
      await servers.advance(wait - 1)
      expect(await two.use(what)).toBeInstanceOf(RateLimited)
      await servers.advance(1)
      expect(await two.use(what)).toBeNull()
    })

    test('gives back what a request did not use, and takes more for one that used more', async () => {
      const tokens = (units: number) =>
        ask({
          project_id: 'tokens',
          windows: [{ limit_key: 'model', metric: 'tokens', span: MINUTE, limit: 100, units }],
        })
      const first = await one.ledger.admit(tokens(90))
      first.settle({ requests: 1 }, { units: { tokens: 10 } })
      const second = await one.ledger.admit(tokens(90))
      second.settle({ requests: 1 }, { units: { tokens: 200 } })
      expect(async () => one.ledger.admit(tokens(1))).toThrow(RateLimited)
      expect(async () => one.ledger.admit(tokens(101))).toThrow(RateLimited)
    })

    test('refuses with LedgerUnavailable, and grants nothing, when the database cannot be reached', async () => {
      one.next = 'is lost'
      const windows = [{ limit_key: 'model', metric: 'requests', span: MINUTE, limit: 20, units: 1 }] as const
      expect(async () => one.ledger.admit(ask({ project_id: 'gone', windows }))).toThrow(LedgerUnavailable)
      expect(await one.use({ project_id: 'gone', windows })).toBeNull()
    })
  })
