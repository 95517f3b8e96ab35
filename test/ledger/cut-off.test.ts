/**
 * A server that is cut off for longer than its lease goes on with requests that no limit applies
 * to. When it is back, each of them is counted, and none twice.
 */
import { describe, expect, test } from 'bun:test'
import { LedgerUnavailable } from '../../ledger/refusals.ts'
import { engines } from '../setup.ts'
import { comeBack, cutOffTwice } from './cut-off-twice.ts'
import { Servers, Server } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`a server that was cut off (${engine})`, () => {
    let servers: Servers
    let one: Server
    let what: { project_id: string; bound: number }
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      what = { project_id: `p${++tests}`, bound: 100 }
      one = await servers.start()
      await servers.start()
    })

    const settled = async () => {
      expect(await servers.wrong()).toEqual([])
      return (await servers.budgets()).find(({ project_id }) => project_id === what.project_id)?.settled ?? 0
    }
    const counted = async () => {
      const usage = servers.database.read.selectFrom('usage_minutes').innerJoin('usage_series', 'id', 'series_id')
      const rows = await usage.select('requests').where('project_id', '=', what.project_id).execute()
      return rows.reduce((sum, { requests }) => sum + Number(requests), 0)
    }

    test('counts what began while it was, and not what was settled without it', async () => {
      const known = await one.admit(what)
      await servers.advance(600)
      one.stall()
      const another = await one.admit(what)
      expect(await one.use(what, 30)).toBeNull()
      known.settle({ requests: 1, cost_output: 7 })
      await comeBack(servers, one)
      // What was known is settled at its bound.
      expect(await settled()).toBe(100 + 30)
      another.settle({ requests: 1, cost_output: 12 })
      await servers.advance(2_000)
      expect(await settled()).toBe(100 + 30 + 12)
      expect(await one.use(what, 5)).toBeNull()
      await servers.advance(2_000)
      expect(await settled()).toBe(100 + 30 + 12 + 5)
    })

    for (const [fate, expected] of [
      ['is lost', 30 + 12 + 5],
      ['loses its answer', 30 + 100 + 5],
    ] as const)
      test(`counts each request once when its last exchange ${fate}`, async () => {
        const running = await one.admit(what)
        expect(await one.use(what, 30)).toBeNull()
        one.next = fate
        await servers.advance(600)
        expect(one.errors.splice(0)).toHaveLength(1)
        one.stall()
        running.settle({ requests: 1, cost_output: 12 })
        expect(await one.use(what, 5)).toBeNull()
        await comeBack(servers, one)
        expect(await settled()).toBe(expected)
      })

    test('counts each request once when it is cut off again before it has reported what it kept', async () => {
      await cutOffTwice(servers, one, () => one.use(what, 30))
      expect(await settled()).toBe(30)
      expect(await counted()).toBe(1)
    })

    for (const fate of ['is lost', 'comes late', 'loses its answer'] as const)
      test(`counts each request once when the exchange that adds it under a new name ${fate}`, async () => {
        await servers.advance(60_000)
        const turn = Promise.withResolvers<void>()
        one.turn = turn.promise
        one.next = fate
        const waiting = one.use({ ...what, limits: { organization: null, project: 1_000 } })
        await servers.quiet()
        // Its usage is in that exchange, too.
        expect(await one.use(what, 30)).toBeNull()
        turn.resolve()
        expect(await waiting).toBeInstanceOf(LedgerUnavailable)
        await servers.advance(2_000)
        expect(one.errors.splice(0)).toHaveLength(1)
        expect(await settled()).toBe(30)
        expect(await counted()).toBe(1)
        expect(await one.use({ ...what, limits: { organization: null, project: 1_000 } }, 5)).toBeNull()
      })

    test('counts each request once when it begins anew, and the answer to that is lost too', async () => {
      expect(await one.use(what, 30)).toBeNull()
      one.next = 'loses its answer'
      await servers.advance(600)
      one.stall()
      one.next = 'loses its answer'
      await comeBack(servers, one)
      expect(one.errors.splice(0)).toHaveLength(2)
      expect(await settled()).toBe(30)
    })
  })
