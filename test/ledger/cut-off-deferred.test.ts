/**
 * Batches and background responses of a server that is cut off for longer than its lease: those
 * that the database never heard of are waited for when the server is back, and settled once.
 */
import { describe, expect, test } from 'bun:test'
import type { Admission } from '../../ledger/admission.ts'
import { DeferredRequests } from '../../ledger/deferred-requests.ts'
import { engines } from '../setup.ts'
import { comeBack, cutOffTwice } from './cut-off-twice.ts'
import { series } from './asks.ts'
import { Servers, Server } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`a batch of a server that was cut off (${engine})`, () => {
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

    const defer = (admission: Admission, result_id: string) =>
      admission.defer({ kind: 'batch', upstream: 'one', result_id, metered: '{}', patience_milliseconds: 3_600_000 })
    const budget = async () => {
      expect(await servers.wrong()).toEqual([])
      const { settled, reserved } = (await servers.budgets()).find(({ project_id }) => project_id === what.project_id)!
      return { settled, reserved }
    }
    const waitedFor = async () => {
      const query = servers.database.read.selectFrom('deferred_requests').selectAll().orderBy('result_id')
      return await query.where('project_id', '=', what.project_id).execute()
    }
    /** Each used 30; a second settlement changes nothing. */
    const settleAll = async () => {
      const requests = new DeferredRequests(servers.database, one.ledger)
      const uses = [{ series: { ...series, project_id: what.project_id }, counts: { requests: 1, cost_output: 30 } }]
      for (const row of await waitedFor())
        expect([await requests.settle(row, uses), await requests.settle(row, uses)]).toEqual([true, false])
    }

    test('is waited for if it began meanwhile, whether it was accepted before or after the server is back', async () => {
      const known = await one.admit(what)
      await servers.advance(600)
      one.stall()
      const [before, after] = [await one.admit(what), await one.admit(what)]
      defer(known, 'known')
      defer(before, 'before')
      await comeBack(servers, one)
      // The one that was known is settled at its bound, and not waited for.
      expect(await budget()).toEqual({ settled: 100, reserved: 100 })
      defer(after, 'after')
      await servers.advance(2_000)
      expect((await waitedFor()).map(({ result_id, amount }) => [result_id, amount])).toEqual([
        ['after', 100],
        ['before', 100],
      ])
      expect(await budget()).toEqual({ settled: 100, reserved: 200 })
      await settleAll()
      expect(await budget()).toEqual({ settled: 100 + 2 * 30, reserved: 0 })
      expect(one.ledger.counts.lateSettlements).toBe(0)
    })

    for (const [fate, settled] of [
      ['is lost', 3 * 30],
      // The request that ran by that exchange is settled at its bound.
      ['loses its answer', 100 + 2 * 30],
    ] as const)
      test(`is waited for once when the last exchange ${fate}`, async () => {
        const running = await one.admit(what)
        defer(await one.admit(what), 'in that exchange')
        one.next = fate
        await servers.advance(600)
        expect(one.errors.splice(0)).toHaveLength(1)
        one.stall()
        defer(running, 'that ran')
        defer(await one.admit(what), 'later')
        await comeBack(servers, one)
        const ids = (await waitedFor()).map(({ result_id }) => result_id)
        expect(ids).toEqual(['in that exchange', 'later', ...(fate === 'is lost' ? ['that ran'] : [])])
        await settleAll()
        expect(await budget()).toEqual({ settled, reserved: 0 })
      })

    test('is waited for once when its server is cut off again before it has reported what it kept', async () => {
      await cutOffTwice(servers, one, async () => defer(await one.admit(what), 'kept'))
      expect((await waitedFor()).map(({ result_id }) => result_id)).toEqual(['kept'])
      await settleAll()
      expect(await budget()).toEqual({ settled: 30, reserved: 0 })
    })

    test('is not waited for under a spend limit: what it may cost is burned already', async () => {
      const limited = { ...what, limits: { organization: null, project: 1_000_000 } }
      for (let n = 0; n < 3; n++) await one.use(limited)
      await servers.advance(600)
      const { held } = (await servers.budgets()).find(({ project_id }) => project_id === what.project_id)!
      one.stall()
      defer(await one.admit(limited), 'burned')
      await comeBack(servers, one)
      expect(await waitedFor()).toEqual([])
      const after = (await servers.budgets()).find(({ project_id }) => project_id === what.project_id)!
      expect(after).toMatchObject({ settled: 300, burned: held, reserved: 0 })
    })
  })
