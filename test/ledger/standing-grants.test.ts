/**
 * A server that is alone holds a part of each of its rate limits for long, so that a request under
 * them waits for no exchange. All of it is counted ahead, and it is given back when another server
 * joins.
 */
import { describe, expect, test } from 'bun:test'
import type { Ask, Metric } from '../../ledger/ask.ts'
import { RateLimited } from '../../ledger/refusals.ts'
import { unpacked } from '../../ledger/window-state.ts'
import { engines } from '../setup.ts'
import { askUnder } from './asks.ts'
import { Servers, type Server } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`a server that is alone (${engine})`, () => {
    let servers: Servers
    let one: Server
    let project_id: string
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      project_id = `p${++tests}`
      one = await servers.start()
    })

    const under = (limit: number, units?: number, metric?: Metric) => askUnder(project_id, limit, units, metric)
    const use = async (server: Server, what: Partial<Ask> = under(10)) => await server.use(what)
    const useAll = (server: Server, limit: number) => server.useAll(under(limit))
    const allHeld = async () => {
      const query = servers.database.read.selectFrom('rate_windows').select('state').orderBy('metric')
      const rows = await query.where('project_id', '=', project_id).execute()
      return rows.map(({ state }) => [...unpacked(state).grants.values()].reduce((sum, { amount }) => sum + amount, 0))
    }
    const held = async () => (await allHeld())[0]!
    /** Nearly all of that time passes at once; what is held then is extended or replaced after. */
    const rest = async (milliseconds: number) => {
      await servers.advance(1_000)
      servers.now += milliseconds - 10_000
      await servers.advance(40_000)
    }

    test('waits for no exchange, however long nobody asked for anything, up to the last unit', async () => {
      expect(await use(one)).toBeNull()
      const { waited } = one.ledger.counts
      for (const pause of [2_100, 70_000, 600_000]) {
        await servers.advance(pause)
        for (const _ of [1, 2]) expect(await use(one)).toBeNull()
        await servers.advance(700)
        for (const _ of [1, 2, 3]) expect(await use(one)).toBeNull()
      }
      for (let n = 0; n < 5; n++) {
        await servers.advance(700)
        expect(await use(one)).toBeNull()
      }
      expect(one.ledger.counts.waited).toBe(waited)
      expect(await use(one)).toBeInstanceOf(RateLimited)
    })

    test('admits a burst, tokens of a size that came before, and requests of a day without waiting', async () => {
      const all = [under(100), under(10_000, 400, 'tokens'), under(20_000, 300, 'batch_tokens_per_day')]
      for (const what of all) expect(await use(one, what)).toBeNull()
      await servers.advance(60_000)
      const { waited } = one.ledger.counts
      for (let n = 0; n < 95; n++) {
        expect(await use(one, under(100))).toBeNull()
        await servers.quiet()
      }
      for (let n = 0; n < 10; n++) expect(await use(one, all[1])).toBeNull()
      for (let n = 0; n < 4; n++) expect(await use(one, all[2])).toBeNull()
      expect(one.ledger.counts.waited).toBe(waited)
    })

    test('gives what it holds back when another joins, and both together admit what the limit allows', async () => {
      expect(await use(one)).toBeNull()
      await servers.advance(60_000)
      for (const _ of [1, 2]) expect(await use(one)).toBeNull()
      await servers.advance(2_000)
      const two = await servers.start()
      expect(await useAll(two, 10)).toBe(8)
      expect(await use(one)).toBeInstanceOf(RateLimited)
    })

    test('gives it back to one that had nothing to do for so long that both leases are over', async () => {
      const two = await servers.start()
      await servers.advance(10_000)
      expect(await use(one, under(10, 6))).toBeNull()
      await servers.advance(84_000)
      expect(await held()).toBe(5)
      expect(await use(two, under(10, 6))).toBeNull()
    })

    test('that was killed loses half of what was left, for two minutes at most', async () => {
      expect(await use(one, under(100))).toBeNull()
      await servers.advance(60_000)
      for (let n = 0; n < 20; n++) expect(await use(one, under(100))).toBeNull()
      one.die()
      const two = await servers.start()
      const after = await useAll(two, 100)
      expect(after).toBeWithin(49, 81)
      await servers.advance(95_000)
      expect(after + (await useAll(two, 100))).toBeGreaterThanOrEqual(after + 90)
    })

    test('that slept does not use what expired meanwhile', async () => {
      expect(await use(one)).toBeNull()
      await servers.advance(60_000)
      await one.sleep(600_000)
      const two = await servers.start()
      // Before anything else happens on the one that slept.
      const [admitted] = await Promise.all([useAll(two, 10), use(one)])
      expect(admitted + (await useAll(one, 10))).toBeLessThanOrEqual(10)
    })

    test('writes little while nobody asks for anything, also when a limit is used up', async () => {
      expect(await use(one, under(100))).toBeNull()
      for (let n = 0; n < 5; n++) expect(await use(one, under(5, 1, 'requests_per_day'))).toBeNull()
      await servers.advance(2_000)
      const before = one.writes
      await servers.advance(120_000)
      expect(one.writes - before).toBeLessThanOrEqual(20)
      // After an hour it writes once in ten minutes.
      await rest(3_600_000)
      const after = one.writes
      await servers.advance(600_000)
      expect(one.writes - after).toBeWithin(1, 4)
      // After a week it holds nothing, and writes nothing.
      await rest(7 * 86_400_000)
      const later = one.writes
      await servers.advance(60_000)
      expect(one.writes).toBe(later)
      expect(await held()).toBe(0)
    })

    test('holds little after an hour without a request, and the next ones wait for no exchange', async () => {
      const all = [under(100), under(20_000, 400, 'tokens')]
      for (const what of all) expect(await use(one, what)).toBeNull()
      await rest(3_600_000)
      expect(await allHeld()).toEqual([2, 800])
      await servers.advance(1_200_000)
      expect(await allHeld()).toEqual([2, 800])
      const { waited } = one.ledger.counts
      for (let n = 0; n < 10; n++)
        for (const what of all) {
          expect(await use(one, what)).toBeNull()
          await servers.quiet()
        }
      expect(one.ledger.counts.waited).toBe(waited)
      await rest(3_600_000)
      one.die()
      const two = await servers.start()
      expect(await useAll(two, 100)).toBe(98)
      await servers.advance(600)
      // Nobody knows that it was killed: it could give back what it holds for ten minutes.
      const refused = (await use(two, under(100, 99))) as RateLimited
      expect(refused.retry_milliseconds).toBeWithin(60_000, 90_002)
      await servers.advance(10_000)
    })

    test('holds nothing of a small limit after an hour without a request: a kill then costs nothing', async () => {
      const all = [under(1), under(10, 1, 'images'), under(1_000, 400, 'tokens')]
      for (const what of all) expect(await use(one, what)).toBeNull()
      await rest(2 * 3_600_000)
      one.die()
      const two = await servers.start()
      for (const what of [under(1), under(10, 10, 'images'), under(1_000, 1_000, 'tokens')])
        expect(await use(two, what)).toBeNull()
    })

    test('with more than 500 limits gives up those at rest, and none that was used in the last hour', async () => {
      const useEach = async (name: string, count: number) => {
        const names = Array.from({ length: count }, (_, n) => `${name}${n}`)
        const refused = await Promise.all(
          names.map(async (limit_key) => {
            const what = under(100)
            return await one.use({ ...what, windows: what.windows.map((window) => ({ ...window, limit_key })) })
          }),
        )
        expect(refused.filter((error) => error !== null)).toEqual([])
      }
      await useEach('old', 300)
      await rest(2 * 3_600_000)
      await useEach('late', 150)
      await servers.advance(300_000)
      await useEach('new', 60)
      await servers.advance(5_000)
      const { waited } = one.ledger.counts
      await useEach('late', 150)
      expect(one.ledger.counts.waited).toBe(waited)
    })

    test('holds little of a limit of a day: after a kill it would be lost for the day', async () => {
      expect(await use(one, under(1_000, 1, 'requests_per_day'))).toBeNull()
      await servers.advance(60_000)
      expect(await held()).toBeWithin(1, 21)
    })

    test('uses nothing that was granted under another limit', async () => {
      expect(await use(one, under(100))).toBeNull()
      await servers.advance(10_000)
      expect(await useAll(one, 3)).toBe(2)
      await servers.advance(70_000)
      expect(await useAll(one, 3)).toBe(3)
    })

    describe('and starts again', () => {
      const again = async () => {
        await servers.during(one.ledger.stop())
        one.die()
        return await servers.start()
      }
      const waitsOf = async (server: Server, uses: Partial<Ask>[]) => {
        for (const what of uses) {
          expect(await use(server, what)).toBeNull()
          await servers.quiet()
        }
        return server.ledger.counts.waited
      }

      test('waits for no exchange under the limits that were used before', async () => {
        const all = [under(10), under(20_000, 400, 'tokens'), under(1_000, 1, 'requests_per_day')]
        await waitsOf(one, all)
        await servers.advance(1_000)
        const two = await again()
        expect(await waitsOf(two, [...all, ...all])).toBe(0)
        expect(await useAll(two, 10)).toBe(7)
      })

      test('waits for none after the lease of one that was killed is over', async () => {
        await waitsOf(one, [under(100)])
        await servers.advance(2_000)
        one.die()
        const two = await servers.start()
        await servers.advance(6_000)
        expect(await waitsOf(two, [under(100), under(100)])).toBe(0)
      })

      test('holds little of what was used hours before, and nothing of a small limit', async () => {
        const small = under(5, 1, 'images')
        await waitsOf(one, [under(100), small])
        await servers.advance(1_000)
        await servers.during(one.ledger.stop())
        one.die()
        servers.now += 5 * 3_600_000
        const two = await servers.start()
        expect(await allHeld()).toEqual([0, 2])
        expect(await waitsOf(two, [under(100)])).toBe(0)
        expect(await waitsOf(two, [small])).toBe(1)
      })

      test('uses nothing of what it asked for under a limit that was lowered meanwhile', async () => {
        await waitsOf(one, [under(100), under(100)])
        await servers.advance(1_000)
        const two = await again()
        expect(await useAll(two, 5)).toBe(3)
      })

      test('gives back all that it held when it stopped, also beside another server', async () => {
        const other = await servers.start()
        for (let n = 0; n < 20; n++) await use(one, under(100))
        await servers.during(one.ledger.stop())
        one.die()
        expect(await useAll(other, 100)).toBe(80)
      })

      test('asks for nothing while another server lives', async () => {
        const other = await servers.start()
        await waitsOf(one, [under(100)])
        await servers.advance(1_000)
        await again()
        await waitsOf(other, [{ limits: { organization: 1_000, project: null }, bound: 1 }])
        await servers.advance(4_000)
        expect(await held()).toBe(0)
      })
    })
  })
