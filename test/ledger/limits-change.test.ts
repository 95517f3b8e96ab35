/**
 * Limits that change while requests run, refusals that must not last, and the turn of the month.
 */
import { describe, expect, test } from 'bun:test'
import { LedgerUnavailable, RateLimited, SpendLimited } from '../../ledger/refusals.ts'
import { budgetChecks } from '../../ledger/verify.ts'
import { MINUTE } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { ask } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

const tokens = (units: number, limit = 1_000) => ({
  windows: [{ limit_key: 'model', metric: 'tokens', span: MINUTE, limit, units }] as const,
})
const spend = (project: number | null, bound: number) => ({ limits: { organization: null, project }, bound })

for (const engine of engines)
  describe(`limits (${engine})`, () => {
    let servers: Servers
    let one: Server
    let two: Server
    withServers(engine, async (started) => {
      servers = started
      one = await servers.start()
      two = await servers.start()
    })

    const change = (project_id: string) => {
      for (const { ledger } of servers.living)
        ledger.forget({ organization_id: 'org', scope: 'project', id: project_id })
    }

    test('what a request gives back that began under a higher limit, or none, is not spent under a lower one', async () => {
      for (const [project_id, before] of [
        ['lowered', 1_000],
        ['set', null],
      ] as const) {
        const running = await one.admit({ project_id, ...spend(before, 900) })
        await servers.advance(1_000)
        change(project_id)
        expect(await one.use({ project_id, ...spend(100, 50) })).toBeInstanceOf(SpendLimited)
        running.settle({ requests: 1, cost_output: 10 })
        expect(await one.use({ project_id, ...spend(100, 91) })).toBeInstanceOf(SpendLimited)
        await servers.advance(1_000)
        expect(await one.use({ project_id, ...spend(100, 90) })).toBeNull()
        expect(await servers.wrong({ [project_id]: 100 })).toEqual([])
      }
    })

    test('what was used in the moment before a limit was set counts against it, on every server', async () => {
      const project_id = 'moment'
      const free = { project_id, ...spend(null, 600) }
      await two.use({ project_id, ...spend(null, 1) }, 0)
      await servers.advance(1_000)
      expect(await one.use(free, 600)).toBeNull()
      const running = await one.admit({ ...free, bound: 300 })
      change(project_id)
      await servers.during(Promise.all(servers.living.map(({ ledger }) => ledger.reportBefore())))
      expect(await two.use({ project_id, ...spend(1_000, 101) })).toBeInstanceOf(SpendLimited)
      await servers.advance(1_000)
      expect(await two.use({ project_id, ...spend(1_000, 100) })).toBeNull()
      running.release()
    })

    test('a change is reported again when the database did not answer, and other changes are not', async () => {
      expect(await one.use({ project_id: 'again', ...spend(null, 60) })).toBeNull()
      one.ledger.forget({ organization_id: 'org', scope: 'key', id: 'some' })
      const { writes } = one
      await one.ledger.reportBefore()
      expect(one.writes).toBe(writes)
      one.ledger.forget({ organization_id: 'org', scope: 'project', id: 'again' })
      one.next = 'is lost'
      const failed = one.ledger.reportBefore().catch((error: unknown) => error)
      expect(await servers.during(failed)).toBeInstanceOf(LedgerUnavailable)
      await servers.during(one.ledger.reportBefore())
      const used = (await servers.budgets()).find((row) => row.project_id === 'again')
      expect(used).toMatchObject({ settled: 60 })
      expect(one.errors.splice(0)).toHaveLength(1)
    })

    test('a request that costs nothing and names no limit lets none pass the limit of others', async () => {
      const project_id = 'named'
      const money = { project_id, ...spend(100, 80) }
      const free = { project_id, ...tokens(1) }
      const asked = [money, free, money, free].map(async (what) => one.ledger.admit(ask(what)))
      const answers = await servers.during(Promise.allSettled(asked))
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
      expect(answers[2]).toMatchObject({ reason: expect.any(SpendLimited) })
      expect(await servers.wrong({ [project_id]: 100 })).toEqual([])
      for (const answer of answers) if (answer.status === 'fulfilled') answer.value.release()
    })

    test('money that a request gives back is there at once, also for what was refused', async () => {
      const project_id = 'returns'
      const running = await one.admit({ project_id, ...spend(100, 80) })
      expect(await one.use({ project_id, ...spend(100, 30) })).toBeInstanceOf(SpendLimited)
      running.settle({ requests: 1, cost_output: 1 })
      expect(await one.use({ project_id, ...spend(100, 99) })).toBeNull()
    })

    test('money that another server gives back is there within a second, while a request here runs on', async () => {
      const project_id = 'elsewhere'
      const elsewhere = await one.admit({ project_id, ...spend(100, 80) })
      // What is told of it does not change, so there is nothing to exchange here.
      const here = await two.admit({ project_id, ...spend(100, 10) })
      await servers.advance(1_000)
      expect(await two.use({ project_id, ...spend(100, 30) })).toBeInstanceOf(SpendLimited)
      elsewhere.settle({ requests: 1, cost_output: 1 })
      await servers.advance(1_000)
      expect(await two.use({ project_id, ...spend(100, 30) })).toBeNull()
      here.release()
    })

    test('tokens that come back are there at once, and on another server within a second', async () => {
      const project_id = 'tokens'
      const first = await one.admit({ project_id, ...tokens(900) })
      expect(await one.use({ project_id, ...tokens(200) })).toBeInstanceOf(RateLimited)
      first.settle({ requests: 1 }, { units: { tokens: 10 } })
      expect(await one.use({ project_id, ...tokens(200) })).toBeNull()
      const second = await one.admit({ project_id, ...tokens(700) })
      expect(await two.use({ project_id, ...tokens(200) })).toBeInstanceOf(RateLimited)
      second.settle({ requests: 1 }, { units: { tokens: 10 } })
      await servers.advance(1_000)
      expect(await two.use({ project_id, ...tokens(200) })).toBeNull()
    })

    test('the time until there is room is that of the limit which has room last', async () => {
      const project_id = 'several'
      const [few, many] = [tokens(1, 3).windows[0], { ...tokens(1, 2).windows[0], metric: 'requests' as const }]
      await one.use({ project_id, windows: [few] })
      await servers.advance(30_000)
      for (let n = 0; n < 2; n++) await one.use({ project_id, windows: [few, many] })
      await servers.advance(2_000)
      const refused = (await one.use({ project_id, windows: [few, many] })) as RateLimited
      expect(refused.window.metric).toBe('requests')
      await servers.advance(refused.retry_milliseconds!)
      expect(await one.use({ project_id, windows: [few, many] })).toBeNull()
    })

    test('a request that runs for minutes still counts what it used beyond its estimate', async () => {
      const project_id = 'long'
      const running = await one.admit({ project_id, ...tokens(1) })
      await servers.advance(150_000)
      running.settle({ requests: 1 }, { units: { tokens: 1_001 } })
      await servers.advance(1_000)
      expect(await two.use({ project_id, ...tokens(1) })).toBeInstanceOf(RateLimited)
    })
  })

for (const engine of engines)
  test(`money and usage belong to the month in which a request came (${engine})`, async () => {
    const turn = Date.UTC(2027, 0, 1)
    const servers = await Servers.open(engine, turn - 10_000)
    try {
      const what = { project_id: 'turn', ...spend(100, 60) }
      // The answer to the exchange comes after the turn.
      const slow = await servers.start({ delay: () => 600 })
      await servers.advance(turn - 500 - servers.now)
      const admission = await slow.admit(what)
      expect(servers.now).toBeGreaterThan(turn)
      // The new month has its whole limit.
      const fast = await servers.start()
      expect(await fast.use({ ...what, bound: 100 }, 70)).toBeNull()
      admission.settle({ requests: 1, cost_output: 50 })
      await servers.advance(5_000)
      for (const [month, settled] of [
        ['2026-12', 50],
        ['2027-01', 70],
      ] as const) {
        const checks = await budgetChecks(servers.database.read, month)
        expect(checks.find(({ project_id }) => project_id === 'turn')).toMatchObject({
          settled,
          reserved: 0,
          cost_minutes: settled,
          cost_days: settled,
        })
      }
    } finally {
      await servers.stop()
    }
  }, 60_000)

for (const engine of engines)
  test(`servers whose clocks differ agree on the minute and the month, by the database (${engine})`, async () => {
    const turn = Date.UTC(2027, 0, 1)
    const servers = await Servers.open(engine, turn - 20_000)
    try {
      const [early, late] = [await servers.start({ ahead: -7_200_000 }), await servers.start({ ahead: 7_200_000 })]
      const what = { project_id: 'clocks', ...spend(100, 50) }
      const minutes: number[] = []
      for (const server of [early, late]) expect(await server.use(what)).toBeNull()
      // All of this month is used, on whichever server one asks.
      for (const server of [early, late]) expect(await server.use({ ...what, bound: 1 })).toBeInstanceOf(SpendLimited)
      await servers.advance(60_000)
      const refused = servers.during(late.ledger.admit(ask({ ...what, bound: 101 }))).catch((error: unknown) => error)
      expect(await refused).toMatchObject({ retry_milliseconds: Date.UTC(2027, 1, 1) - servers.now })
      for (const server of [early, late]) expect(await server.use(what)).toBeNull()
      // Its clock is set right, and the next exchange learns it.
      late.ahead = 0
      await servers.advance(5_000)
      await late.use({ project_id: 'clocks', bound: 0 }, 0)
      await servers.advance(1_000)
      for (const month of ['2026-12', '2027-01']) {
        const checks = await budgetChecks(servers.database.read, month)
        expect(checks.find(({ project_id }) => project_id === 'clocks')).toMatchObject({ settled: 100, cost_days: 100 })
      }
      const rows = await servers.database.read.selectFrom('usage_minutes').select('at').orderBy('at').execute()
      for (const { at } of rows) minutes.push(at - turn / 60_000)
      expect([...new Set(minutes)]).toEqual([-1, 0])
    } finally {
      await servers.stop()
    }
  }, 60_000)
