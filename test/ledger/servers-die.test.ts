/**
 * Servers that die, stall, or lose an answer of the database: nothing is free, and nothing counts
 * twice.
 */
import { describe, expect, test } from 'bun:test'
import { monthOf } from '../../ledger/usage-counts.ts'
import { budgetChecks } from '../../ledger/verify.ts'
import { engines } from '../setup.ts'
import { Servers, Server } from './servers.ts'
import { withServers } from './with-servers.ts'

const LIMIT = 1_000_000

for (const engine of engines)
  describe(`servers that die (${engine})`, () => {
    let servers: Servers
    let one: Server
    let two: Server
    let what: { project_id: string; limits: { organization: null; project: number } }
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      what = { project_id: `p${++tests}`, limits: { organization: null, project: LIMIT } }
      one = await servers.start()
      two = await servers.start()
    })

    const budget = async () => {
      expect(await servers.wrong({ [what.project_id]: LIMIT })).toEqual([])
      const checks = await budgetChecks(servers.database.read, monthOf(servers.now))
      return checks.find(({ project_id }) => project_id === what.project_id)
    }

    test('what a dead server had running is settled at its bound within seconds, though nobody asks anything', async () => {
      const running = [await one.admit({ ...what, bound: 100 }), await one.admit({ ...what, bound: 100 })]
      expect(await one.use({ ...what, bound: 100 }, 30)).toBeNull()
      await servers.advance(600)
      one.die()
      running[0]!.settle({ requests: 1, cost_output: 1 })
      await servers.advance(10_000)
      expect(await budget()).toMatchObject({ settled: 230, reserved: 0, cost_minutes: 230, cost_days: 230 })
      const estimated = await servers.database.read
        .selectFrom('usage_series')
        .select('estimated')
        .orderBy('estimated')
        .execute()
      expect(estimated.map((row) => row.estimated)).toEqual([0, 1])
      expect(two.ledger.counts.estimated).toBe(2)
    })

    test('what an exchange admitted is settled at its bound, though the server dies before the next one', async () => {
      for (const bound of [LIMIT / 2, LIMIT / 4]) await one.admit({ ...what, bound })
      one.die()
      await servers.advance(10_000)
      const settled = (LIMIT * 3) / 4
      const after = (await budget())!
      expect(after).toMatchObject({ settled, reserved: 0, cost_minutes: settled })
      // It also held a little for requests to come.
      expect(after.burned).toBeLessThanOrEqual((LIMIT - settled) / 100)
    })

    test('a server keeps a hundredth of what is left for requests to come, however much comes back to it', async () => {
      for (let n = 0; n < 4; n++) {
        const running = await Promise.all([0, 1, 2].map(() => one.admit({ ...what, bound: LIMIT / 5 })))
        for (const admission of running) admission.settle({ requests: 1, cost_output: LIMIT / 50 })
        await servers.advance(500)
      }
      const { settled, held } = (await budget())!
      expect(settled).toBe((4 * 3 * LIMIT) / 50)
      expect(held).toBeWithin(1, (LIMIT - settled) / 100 + 1)
      one.die()
      await servers.advance(10_000)
      expect(await budget()).toMatchObject({ settled, burned: held, reserved: 0 })
    })

    test('what was handed out ahead and never told of is burned: it counts against the limit', async () => {
      for (let n = 0; n < 20; n++) await one.use({ ...what, bound: 100 })
      await servers.advance(600)
      const before = (await budget())!
      expect(before.held).toBeGreaterThan(0)
      one.die()
      await servers.advance(10_000)
      expect(await budget()).toMatchObject({ settled: before.settled, burned: before.held, reserved: 0 })
      expect(await two.use({ ...what, bound: LIMIT - before.settled - before.held + 1 })).not.toBeNull()
      await servers.advance(1_000)
      expect(await two.use({ ...what, bound: LIMIT - before.settled - before.held })).toBeNull()
    })

    test('nobody is taken for dead when the database was gone for all', async () => {
      const running = [await one.admit({ ...what, bound: 100 }), await two.admit({ ...what, bound: 100 })]
      await servers.advance(600)
      one.stall()
      two.stall()
      await servers.advance(20_000)
      two.wake()
      await servers.advance(900)
      one.wake()
      await servers.advance(2_000)
      for (const admission of running) admission.settle({ requests: 1, cost_output: 7 })
      await servers.advance(2_000)
      expect(await budget()).toMatchObject({ settled: 14, burned: 0, reserved: 0, cost_minutes: 14 })
      expect(one.ledger.counts.lateSettlements + two.ledger.counts.lateSettlements).toBe(0)
    })

    test('a server that stalled for longer than its lease settles nothing that was settled without it', async () => {
      const [running, another] = [await one.admit({ ...what, bound: 60 }), await one.admit({ ...what, bound: 40 })]
      await servers.advance(600)
      one.stall()
      await servers.advance(10_000)
      expect(await budget()).toMatchObject({ settled: 100, reserved: 0 })
      one.wake()
      // It does not know yet, and who waits for what it no longer holds waits a moment longer.
      running.settle({ requests: 1, cost_output: 7 })
      ;(await one.admit({ ...what, bound: LIMIT - 1_000 })).release()
      await servers.advance(2_000)
      another.settle({ requests: 1, cost_output: 7 })
      await servers.advance(2_000)
      expect(await budget()).toMatchObject({ settled: 100, reserved: 0, cost_minutes: 100 })
      expect(one.ledger.counts.lateSettlements).toBe(1)
      expect(one.errors).toEqual([])
      expect(await one.use({ ...what, bound: 100 }, 5)).toBeNull()
      await servers.advance(2_000)
      expect(await budget()).toMatchObject({ settled: 105, reserved: 0, cost_minutes: 105 })
    })

    test('what ended on a server that is taken for dead is counted once as estimated', async () => {
      const limited = await one.admit({ ...what, bound: 60 })
      await servers.advance(600)
      one.stall()
      const unlimited = await one.admit({ project_id: what.project_id })
      for (const admission of [limited, unlimited])
        admission.settle({ requests: 1, cost_output: 7 }, { series: { ...admission.ask.series, estimated: 1 } })
      await servers.advance(10_000)
      one.wake()
      await servers.advance(2_000)
      const inReports = await servers.database.read
        .selectFrom('usage_days')
        .innerJoin('usage_series', 'usage_series.id', 'usage_days.series_id')
        .select('requests')
        .where('project_id', '=', what.project_id)
        .where('estimated', '=', 1)
        .execute()
      expect(inReports).toEqual([{ requests: 2 }])
      expect([one.ledger.counts.estimated, two.ledger.counts.estimated]).toEqual([1, 1])
    })

    test('an exchange that is lost is made again, and one that happened, or happens late, is not', async () => {
      for (const fate of ['is lost', 'loses its answer', 'comes late'] as const) {
        const before = (await budget())?.settled ?? 0
        const running = await one.admit({ ...what, bound: 100 })
        expect(await one.use({ ...what, bound: 100 }, 30)).toBeNull()
        one.next = fate
        await servers.advance(600)
        running.settle({ requests: 1, cost_output: 12 })
        await servers.advance(3_000)
        expect(await budget()).toMatchObject({ settled: before + 42, reserved: 0, cost_minutes: before + 42 })
        expect(one.errors.splice(0)).toHaveLength(1)
      }
    })

    test('a request whose exchange loses its answer is refused, and holds nothing afterwards', async () => {
      one.next = 'loses its answer'
      expect(await one.use({ ...what, bound: LIMIT })).toMatchObject({ message: 'the ledger cannot be reached' })
      await servers.advance(2_000)
      expect(await one.use({ ...what, bound: LIMIT }, 3)).toBeNull()
      await servers.advance(2_000)
      expect(await budget()).toMatchObject({ settled: 3, burned: 0, reserved: 0 })
    })
  })
