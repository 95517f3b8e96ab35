/**
 * Requests whose result comes later, in the ledger of both engines: reserved until it is seen, and
 * settled once.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openDatabase } from '../../database/open.ts'
import type { Database } from '../../database/types.ts'
import { DeferredRequests } from '../../ledger/deferred-requests.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { SpendLimited } from '../../ledger/refusals.ts'
import { sweep } from '../../ledger/sweep.ts'
import { monthOf, type Series } from '../../ledger/usage-counts.ts'
import { budgetChecks, disagreements } from '../../ledger/verify.ts'
import { realWorld } from '../../world/world.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'
import { ask, series } from './asks.ts'

const batch = (project_id: string): Series => ({ ...series, project_id, batch: 1 })

const askFor = (project_id: string, bound: number) =>
  ask({ project_id, limits: { organization: null, project: 1_000 }, bound, series: batch(project_id) })

const deferral = (result_id: string) =>
  ({ kind: 'batch', upstream: 'one', result_id, metered: '{}', patience_milliseconds: 1_000 }) as const

for (const engine of engines)
  describe(`deferred requests (${engine})`, () => {
    let place: Awaited<ReturnType<typeof emptyDatabase>>
    let database: Database
    const ledgers: Ledger[] = []
    beforeAll(async () => {
      place = await emptyDatabase(engine)
      database = await openDatabase(place.address)
    }, START_MILLISECONDS)
    afterAll(async () => {
      for (const ledger of ledgers) await ledger.stop()
      await database.close()
      await place.drop()
    })

    async function start() {
      const ledger = new Ledger(database, realWorld, { onError: (error) => console.error(error) })
      await ledger.start()
      ledgers.push(ledger)
      return { ledger, requests: new DeferredRequests(database, ledger) }
    }

    async function budgetOf(project_id: string) {
      const checks = await budgetChecks(database.read, monthOf(Date.now()))
      expect(checks.flatMap((check) => disagreements(check, null))).toEqual([])
      const { settled, reserved, burned } = checks.find((check) => check.project_id === project_id)!
      return { settled, reserved, burned }
    }

    test('stay reserved when their server dies, and are settled once with what they used', async () => {
      const [one, other] = [await start(), await start()]
      const admission = await one.ledger.admit(askFor('dies', 700))
      admission.defer(deferral('batch_dies'))
      await one.ledger.flush()
      expect(await budgetOf('dies')).toMatchObject({ reserved: 700 + (await freeOf('dies')), settled: 0 })
      await database.write((sql) => sql.updateTable('ledger_servers').set({ until: 0 }).execute())
      for (const { id } of await database.read.selectFrom('ledger_servers').select('id').execute())
        await database.write((sql) => sweep(sql, engine, id))
      for (let i = 0; i < 3; i++) await other.ledger.flush()
      expect(async () => other.ledger.admit(askFor('dies', 301))).toThrow(SpendLimited)
      const [row] = await other.requests.find('one', 'batch_dies')
      const uses = [{ series: batch('dies'), counts: { requests: 3, input: 10, cost_input: 150 } }]
      const settled = await Promise.all([one.requests.settle(row!, uses), other.requests.settle(row!, uses)])
      expect(settled.filter(Boolean)).toEqual([true])
      expect(await other.requests.find('one', 'batch_dies')).toEqual([])
      // A refusal is remembered until the next exchange.
      await other.ledger.flush()
      ;(await other.ledger.admit(askFor('dies', 800))).release()
      await other.ledger.flush()
      expect(await budgetOf('dies')).toMatchObject({ settled: 150 })
    })

    const freeOf = async (project_id: string) => {
      const rows = await database.read.selectFrom('holdings').selectAll().where('project_id', '=', project_id).execute()
      return rows.reduce((sum, { free }) => sum + free, 0)
    }

    test('are found in the moment after they were made, also two with one id, and without a limit or a price', async () => {
      const { ledger, requests } = await start()
      for (const bound of [0, 5]) {
        const admission = await ledger.admit({
          ...askFor('twins', bound),
          limits: { organization: null, project: null },
        })
        admission.defer(deferral('batch_twins'))
      }
      const rows = await requests.find('one', 'batch_twins')
      expect(rows.map(({ amount }) => amount).toSorted((one, other) => one - other)).toEqual([0, 5])
      expect(await requests.find('another', 'batch_twins')).toEqual([])
      for (const row of rows)
        await requests.settle(row, [{ series: batch('twins'), counts: { requests: 1, cost_output: 7 } }])
      expect(await budgetOf('twins')).toEqual({ settled: 14, reserved: 0, burned: 0 })
    })

    test('are looked for by one server at a time, and say when they were waited for long enough', async () => {
      const [one, other] = [await start(), await start()]
      const ids = ['batch_a', 'batch_b', 'batch_c']
      for (const id of ids) (await one.ledger.admit(askFor('looks', 1))).defer(deferral(id))
      await one.ledger.flush()
      expect(await one.requests.takeDue()).toEqual([])
      await database.write((sql) =>
        sql.updateTable('deferred_requests').set({ look_at: 1 }).where('project_id', '=', 'looks').execute(),
      )
      await database.write((sql) =>
        sql.updateTable('deferred_requests').set({ give_up_at: 1 }).where('result_id', '=', 'batch_c').execute(),
      )
      const taken = (await Promise.all([one.requests.takeDue(), other.requests.takeDue()])).flat()
      expect(taken.map(({ result_id, isLate }) => `${result_id} ${isLate}`).toSorted()).toEqual([
        'batch_a false',
        'batch_b false',
        'batch_c true',
      ])
      expect(await other.requests.takeDue()).toEqual([])
    })
  })
