/**
 * Rate limits that a server which is alone expects requests to come under: it holds some of each,
 * as of a limit that was used a moment ago.
 */
import { describe, expect, test } from 'bun:test'
import type { Ask } from '../../ledger/ask.ts'
import { RateLimited } from '../../ledger/refusals.ts'
import { DAY, unpacked } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { askUnder } from './asks.ts'
import type { Server, Servers } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`a limit that is expected (${engine})`, () => {
    let servers: Servers
    let one: Server
    let project_id: string
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      project_id = `p${++tests}`
      one = await servers.start()
    })

    const under = (limit: number, units = 1) => askUnder(project_id, limit, units)
    const expects = async (server: Server, limits: Record<string, number>) => {
      server.expected = Object.entries(limits).map(([limit_key, limit]) => {
        const [{ metric, span }] = under(limit).windows as [Ask['windows'][0]]
        return { key: { organization_id: 'org', project_id, limit_key, metric }, span, limit, largest: 1, age: 0 }
      })
      await servers.during(server.ledger.expect([{ organization_id: 'org', project_id }]))
    }
    const useAll = (server: Server, limit: number) => server.useAll(under(limit))
    const held = async () => {
      const query = servers.database.read.selectFrom('rate_windows').select('state')
      const rows = await query.where('project_id', '=', project_id).execute()
      return rows.map(({ state }) => [...unpacked(state).grants.values()].reduce((sum, { amount }) => sum + amount, 0))
    }

    test('is waited for by nobody, and admits what it allows', async () => {
      await expects(one, { model: 100 })
      expect(await held()).toEqual([50])
      await servers.advance(1_800_000)
      expect(await one.use(under(100))).toBeNull()
      expect(one.ledger.counts.waited).toBe(0)
      expect(await useAll(one, 100)).toBe(99)
    })

    test('holds nothing any more where nobody came for an hour and it is small, and writes nothing then', async () => {
      await expects(one, { model: 10 })
      servers.now += 3_600_000
      await servers.advance(40_000)
      expect(await held()).toEqual([0])
      const before = one.writes
      await servers.advance(60_000)
      expect(one.writes).toBe(before)
    })

    test('found as it was before a change: nothing is admitted beyond the limit that requests name', async () => {
      await expects(one, { model: 100 })
      expect(await useAll(one, 3)).toBe(3)
      await expects(one, { model: 100 })
      expect(await one.use(under(3))).toBeInstanceOf(RateLimited)
      await servers.advance(60_200)
      expect(await useAll(one, 3)).toBe(3)
    })

    test('found as it was before a change, while requests wait: they are decided under the limit that they name', async () => {
      const [found, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      one.finding = found.promise
      const expecting = expects(one, { model: 100 })
      one.turn = begun.promise
      const asked = Array.from({ length: 10 }, async () => one.ledger.admit(under(3)))
      found.resolve()
      await servers.quiet()
      begun.resolve()
      const answers = await servers.during(Promise.allSettled(asked))
      const admitted = answers.filter(({ status }) => status === 'fulfilled').length
      await expecting
      expect(admitted + (await useAll(one, 3))).toBe(3)
    })

    test('is not asked for at the start where servers die again and again', async () => {
      const key = { organization_id: 'org', project_id, limit_key: 'model', metric: 'requests_per_day' }
      const expected = [{ key, span: DAY, limit: 100, largest: 1, age: 0 }]
      one.expected = expected
      let server = one
      for (let n = 0; n < 10; n++) {
        await servers.during(server.ledger.expect('all'))
        server.die()
        await servers.advance(20_000)
        server = await servers.start({ expected })
        await servers.advance(2_000)
      }
      const what = askUnder(project_id, 100, 80, 'requests_per_day')
      expect(await server.use(what)).toBeNull()
    })

    test('of a few requests a day is not taken along by a server that is killed', async () => {
      const key = { organization_id: 'org', project_id, limit_key: 'model', metric: 'requests_per_day' }
      one.expected = [{ key, span: DAY, limit: 10, largest: 1, age: 0 }]
      await servers.during(one.ledger.expect('all'))
      one.die()
      const two = await servers.start()
      expect(await two.use(askUnder(project_id, 10, 10, 'requests_per_day'))).toBeNull()
    })

    test('is given back when another server joins', async () => {
      await expects(one, { model: 100 })
      await servers.advance(1_000)
      expect(await held()).toEqual([50])
      const two = await servers.start()
      expect(await useAll(two, 100)).toBe(100)
      expect(await one.use(under(100))).toBeInstanceOf(RateLimited)
    })

    test('is not held while another server lives, nor looked for by a server that knows of the other', async () => {
      const two = await servers.start()
      expect(await two.use(under(100))).toBeNull()
      await servers.advance(3_000)
      await expects(one, { other: 100 })
      expect(await held()).toEqual([0, 0])
      two.expected = null!
      await servers.during(two.ledger.expect([{ organization_id: 'org', project_id }]))
      expect(two.errors).toEqual([])
    })

    test('lost with a server that was killed is there again within two minutes', async () => {
      await expects(one, { model: 100 })
      one.die()
      const two = await servers.start()
      expect(await useAll(two, 100)).toBeGreaterThanOrEqual(50)
      await servers.advance(95_000)
      expect(await useAll(two, 100)).toBeGreaterThanOrEqual(90)
    })

    test('among more than 250: the others are waited for once', async () => {
      const limits = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`model${n}`, 100]))
      await expects(one, limits)
      expect((await held()).filter((amount) => amount > 0)).toHaveLength(250)
      expect(await one.use(under(100))).toBeNull()
      expect(one.ledger.counts.waited).toBe(1)
    })

    test('that is not found in time does not hold up a change', async () => {
      expect(await one.use({ project_id, bound: 60 })).toBeNull()
      one.finding = new Promise(() => {})
      one.ledger.forget({ organization_id: 'org', scope: 'project', id: project_id })
      await servers.during(one.ledger.reportBefore())
      const used = (await servers.budgets()).find((row) => row.project_id === project_id)
      expect(used).toMatchObject({ settled: 60 })
    })

    test('cannot be read: requests wait, as for any other', async () => {
      one.expected = null!
      await servers.during(one.ledger.expect([{ organization_id: 'org', project_id }]))
      expect(one.errors.splice(0)).toHaveLength(1)
      expect(await one.use(under(100))).toBeNull()
      await servers.during(one.ledger.stop())
      one.die()
      const two = await servers.start({ expected: null! })
      expect(two.errors.splice(0)).toHaveLength(1)
      expect(await two.use(under(100))).toBeNull()
    })
  })
