/**
 * What a request waits for: nothing where no limit applies or memory suffices, else for one
 * exchange with the database, which it shares with all that wait at that moment.
 */
import { describe, expect, test } from 'bun:test'
import { sql as raw } from 'kysely'
import type { Admission } from '../../ledger/admission.ts'
import type { Ask } from '../../ledger/ask.ts'
import { SpendLimited } from '../../ledger/refusals.ts'
import type { Series } from '../../ledger/usage-counts.ts'
import { MINUTE } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { ask, series } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

const used = { requests: 1, cost_output: 1 }

/** Until a transaction waits for a lock that another one has. */
async function isWaiting({ database }: Servers) {
  for (;;) {
    const { rows } = await raw`select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.read)
    if (rows.length > 0) return
    await Bun.sleep(5)
  }
}

for (const engine of engines)
  describe(`a request (${engine})`, () => {
    let servers: Servers
    let one: Server
    let own: Series
    let project_id: string
    let tests = 0
    // So that a minute, and the month, turn between two exchanges: they are made each half
    // second.
    withServers(
      engine,
      async (started) => {
        servers = started
        project_id = `p${++tests}`
        own = { ...series, project_id }
        one = await servers.start()
      },
      Date.UTC(2026, 10, 30, 23, 58, 59, 800),
    )

    const wish = (project: number | null, bound: number) =>
      ask({ project_id, series: own, limits: { organization: null, project }, bound })
    const rate = { limit_key: 'model', metric: 'requests', span: MINUTE, limit: 1000, units: 1 } as const

    /** The admission of a request that waited for nothing. */
    const atOnce = (asked: Ask): Admission => {
      const admission = one.ledger.admit(asked)
      if (admission instanceof Promise) throw new Error('it waits')
      return admission
    }

    test('of a month that has just begun is counted there, also of a key that was used a moment before', async () => {
      await servers.advance(60_100)
      expect(new Date(servers.now).toISOString()).toBe('2026-11-30T23:59:59.900Z')
      const limited = await servers.during(one.ledger.admit(wish(100, 100)))
      limited.settle({ requests: 1, cost_output: 100 })
      // Without a limit nothing is written between the two.
      const free: Partial<Ask> = { project_id: 'free', series: { ...series, project_id: 'free' } }
      atOnce(ask({ ...free, bound: 5 })).settle(used)
      await servers.advance(200)
      atOnce(ask({ ...free, bound: 7 })).settle({ requests: 2, cost_output: 1 })
      const running = atOnce(ask({ ...free, bound: 9 }))
      const next = await servers.during(one.ledger.admit(wish(100, 100)))
      next.settle({ requests: 2, cost_output: 100 })
      await servers.advance(1_000)
      const { read } = servers.database
      const usage = read.selectFrom('usage_minutes').innerJoin('usage_series', 'id', 'series_id')
      for (const project of [project_id, 'free']) {
        const rows = await usage.select('requests').where('project_id', '=', project).orderBy('at').execute()
        expect(rows.map(({ requests }) => requests)).toEqual([1, 2])
      }
      const inFlight = await read
        .selectFrom('in_flight')
        .select(['month', 'amount'])
        .where('requests', '>', 0)
        .execute()
      expect(inFlight).toEqual([{ month: '2026-12', amount: 9 }])
      for (const month of ['2026-11', '2026-12']) {
        const [budget] = (await servers.budgets(month)).filter((row) => row.project_id === project_id)
        expect(budget).toMatchObject({ settled: 100, reserved: 0 })
        expect(await servers.wrong({ [project_id]: 100 }, month)).toEqual([])
      }
      running.settle(used)
    })

    test('waits for nothing where no limit applies, also while the database does not answer', async () => {
      atOnce(wish(null, 1000)).settle(used)
      one.stall()
      await servers.advance(20_000)
      atOnce(wish(null, 1000)).settle(used)
      expect(one.ledger.counts.waited).toBe(0)
      one.wake()
      await servers.advance(1_000)
    })

    test('waits for one exchange under a limit that was not used lately, with all that come in that moment', async () => {
      const asks = [
        ...Array.from({ length: 20 }, () => wish(1_000_000, 100)),
        { ...ask({ project_id, series: own, bound: 0 }), windows: [rate] },
      ]
      const before = one.ledger.counts.exchanges
      const waiting = asks.map((wanted) => Promise.resolve(one.ledger.admit(wanted)))
      expect(one.ledger.counts.waited).toBe(asks.length)
      const admitted = await servers.during(Promise.all(waiting))
      expect(one.ledger.counts.exchanges).toBe(before + 1)
      for (const admission of admitted) admission.settle(used)
    })

    test('waits for nothing while the limit is far: the last exchange got enough ahead', async () => {
      const both = { ...wish(1_000_000_000, 100), windows: [rate] }
      for (let n = 0; n < 20; n++) (await servers.during(one.ledger.admit(both))).settle(used)
      await servers.advance(600)
      const before = one.ledger.counts
      for (let n = 0; n < 20; n++) atOnce(both).settle(used)
      expect(one.ledger.counts).toEqual(before)
    })

    test('waits for one exchange when the limit is near, admitted or refused', async () => {
      const first = await servers.during(one.ledger.admit(wish(1000, 600)))
      const before = one.ledger.counts.exchanges
      const [last, refused] = await servers.during(
        Promise.allSettled([one.ledger.admit(wish(1000, 400)), one.ledger.admit(wish(1000, 400))]),
      )
      expect([last!.status, (refused as PromiseRejectedResult).reason]).toEqual(['fulfilled', expect.any(SpendLimited)])
      expect(one.ledger.counts.exchanges).toBe(before + 1)
      first.settle({ requests: 1, cost_output: 600 })
      if (last!.status === 'fulfilled') last!.value.release()
    })

    test('shares its exchange with any number of limits, for the same few statements', async () => {
      const statements: number[] = []
      for (const count of [1, 50]) {
        const projects = Array.from({ length: count }, (_, n) => `${project_id} ${count} ${n}`)
        const asked = projects.map((project_id) => ({
          ...ask({ project_id, limits: { organization: 1_000_000, project: 1_000 }, bound: 10 }),
          windows: [rate],
        }))
        await servers.quiet()
        const [before, writes] = [servers.statements, one.writes]
        const admitted = await servers.during(Promise.all(asked.map(async (wanted) => one.ledger.admit(wanted))))
        expect(one.writes).toBe(writes + 1)
        statements.push(servers.statements - before)
        for (const admission of admitted) admission.settle(used)
        await servers.advance(1_000)
        for (const project of projects) expect(await servers.wrong({ [project]: 1_000 })).toEqual([])
      }
      expect(statements[1]).toBe(statements[0]!)
      expect(statements[0]).toBeLessThanOrEqual(11)
    })

    const admitAll = async (asked: Promise<Admission>[]) => {
      for (const admission of await servers.during(Promise.all(asked))) admission.settle(used)
    }

    test('joins an exchange that waits for its turn, whatever limits it is under: one commit for both', async () => {
      const [before, turn] = [one.writes, Promise.withResolvers<void>()]
      one.turn = turn.promise
      const first = Promise.resolve(one.ledger.admit(wish(1000, 600)))
      await servers.quiet()
      const later = { ...ask({ project_id: `${project_id} later`, bound: 0 }), windows: [rate] }
      const second = Promise.resolve(one.ledger.admit(later))
      turn.resolve()
      await admitAll([first, second])
      expect(one.writes).toBe(before + 1)
    })

    test('waits for the end of an exchange that has decided, and for its own, and for no other', async () => {
      const [before, answer] = [one.writes, Promise.withResolvers<void>()]
      one.answer = answer.promise
      const first = Promise.resolve(one.ledger.admit(wish(1000, 600)))
      while ((await servers.budgets()).every((row) => row.project_id !== project_id)) await Bun.sleep(5)
      const second = Promise.resolve(one.ledger.admit(wish(1000, 300)))
      answer.resolve()
      await admitAll([first, second])
      expect(one.writes).toBe(before + 2)
    })

    test('waits for one commit also when its server had nothing to do for so long that its lease is over', async () => {
      await servers.advance(30_000)
      const before = one.writes
      await admitAll([Promise.resolve(one.ledger.admit(wish(1000, 600)))])
      expect(one.writes).toBe(before + 1)
    })

    if (engine === 'postgres')
      test('joins an exchange that waits for another server, if it is under the same limits', async () => {
        await admitAll([Promise.resolve(one.ledger.admit(wish(1_000, 100)))])
        await servers.advance(1_000)
        const [before, locked, end] = [one.writes, Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        const other = servers.database.writeUnsynced(async (sql) => {
          await sql.updateTable('budgets').set({ burned: 0 }).where('project_id', '=', project_id).execute()
          locked.resolve()
          await end.promise
        })
        await locked.promise
        const first = Promise.resolve(one.ledger.admit(wish(1_000, 600)))
        await isWaiting(servers)
        const second = Promise.resolve(one.ledger.admit(wish(1_000, 300)))
        end.resolve()
        await other
        await admitAll([first, second])
        expect(one.writes).toBe(before + 1)
        expect(await servers.wrong({ [project_id]: 1_000 })).toEqual([])
      })

    test('counts for a minute from when it is admitted, however long its exchange waited for its turn', async () => {
      const what = { ...ask({ project_id, series: own }), windows: [{ ...rate, limit: 1 }] }
      const turn = Promise.withResolvers<void>()
      one.turn = turn.promise
      const first = Promise.resolve(one.ledger.admit(what))
      await servers.advance(300)
      turn.resolve()
      await admitAll([first])
      await servers.advance(60_001)
      expect(await one.use(what)).toBeNull()
    })

    test('is under its rate limit again when nothing was asked for minutes', async () => {
      const what = { ...ask({ project_id, series: own }), windows: [{ ...rate, limit: 1 }] }
      ;(await servers.during(one.ledger.admit(what))).settle(used)
      await servers.advance(200_000)
      ;(await servers.during(one.ledger.admit(what))).settle(used)
      expect(async () => servers.during(one.ledger.admit(what))).toThrow('rate limit')
    })
  })
