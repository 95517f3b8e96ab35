/** A server applies every revocation up to the epoch that it acknowledges, or forgets all keys. */
import { afterEach, describe, expect, test } from 'bun:test'
import { heapStats } from 'bun:jsc'
import { openDatabase } from '../../database/open.ts'
import type { Database } from '../../database/types.ts'
import type { Invalidation } from '../../revocation/invalidation.ts'
import { KEPT_EPOCHS, Revocations } from '../../revocation/revocations.ts'
import { realWorld } from '../../world/world.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'
import { watchReads } from '../storage/watched-reads.ts'

const key = (id: string): Invalidation => ({ organization_id: 'org-1', scope: 'key', id })

interface Server {
  revocations: Revocations
  forgotten: (Invalidation | null)[]
  /** How often it applied what was revoked. */
  learned: () => number
  /** Holds back what the server reads, until it is resumed. */
  stall: () => () => void
  /** What it reports before it acknowledges. */
  report: () => Promise<void>
  revoke: (id: string) => Promise<void>
}

for (const engine of engines)
  describe(`revocations in their order (${engine})`, () => {
    const opened: (() => Promise<unknown>)[] = []
    afterEach(async () => {
      for (const close of opened.splice(0).toReversed()) await close()
    })

    async function start(address: string, { ahead = 0 } = {}): Promise<Server> {
      let gate = Promise.resolve()
      const plain = await openDatabase(address)
      const database: Database = watchReads(plain, async (_, read) => {
        await gate
        return read()
      })
      const world = { ...realWorld, now: () => Date.now() + ahead * 1000 }
      const forgotten: Server['forgotten'] = []
      let learned = 0
      const revocations = new Revocations(database, world, {
        leaseMilliseconds: 3_000,
        forget: (invalidation) => forgotten.push(invalidation),
        report: () => server.report(),
        onLearned: () => learned++,
        onError: (error) => {
          throw error
        },
      })
      await revocations.start()
      opened.push(async () => {
        await revocations.stop()
        await plain.close()
      })
      const server: Server = {
        revocations,
        report: async () => {},
        forgotten,
        learned: () => learned,
        stall() {
          const { promise, resolve } = Promise.withResolvers<void>()
          gate = promise
          return resolve
        },
        async revoke(id) {
          const invalidations = [key(id)]
          const epoch = await database.write((sql) => revocations.publish(sql, invalidations))
          await revocations.settle(epoch!, invalidations)
        },
      }
      return server
    }

    async function threeServers() {
      const { address, drop } = await emptyDatabase(engine)
      opened.push(drop)
      const [one, stalled, late] = [await start(address), await start(address), await start(address, { ahead: -7_200 })]
      return { address, one, stalled, late }
    }

    test(
      'reach a server that stalled, also when the clock of another is two hours off',
      async () => {
        const { one, stalled, late } = await threeServers()
        const resume = stalled.stall()
        const revoked = [one.revoke('key_1')]
        await Bun.sleep(150)
        revoked.push(late.revoke('key_2'))
        await Bun.sleep(150)
        revoked.push(one.revoke('key_3'), stalled.revoke('key_4'))
        await Bun.sleep(300)
        resume()
        await Promise.all(revoked)
        // By which a server brings its revocations file up to date.
        expect(stalled.learned()).toBeGreaterThan(0)
        for (const { forgotten } of [one, stalled, late])
          for (const id of ['key_1', 'key_2', 'key_3', 'key_4'])
            expect(
              forgotten.includes(null) || forgotten.some((one) => one !== null && 'id' in one && one.id === id),
            ).toBe(true)
      },
      START_MILLISECONDS,
    )

    test('are acknowledged when a server has reported what it used before, and answered then', async () => {
      const { one, stalled } = await threeServers()
      for (const server of [one, stalled]) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const asked = Promise.withResolvers<void>()
        let isAnswered = false
        server.report = () => {
          asked.resolve()
          return promise
        }
        const answered = one.revoke('key_1').then(() => (isAnswered = true))
        await asked.promise
        await Bun.sleep(100)
        expect(isAnswered).toBe(false)
        resolve()
        await answered
      }
    })

    for (const [where, epoch] of [
      ['in between', 2],
      ['at the end', 3],
    ] as const)
      test(`that are missing ${where} make a server forget everything`, async () => {
        const { address, one, stalled } = await threeServers()
        const resume = stalled.stall()
        const revoked = [one.revoke('key_1'), one.revoke('key_2'), one.revoke('key_3')]
        const database = await openDatabase(address)
        opened.push(() => database.close())
        while ((await database.read.selectFrom('revocations').select('epoch').execute()).length < 3) await Bun.sleep(10)
        await database.write((sql) => sql.deleteFrom('revocations').where('epoch', '=', epoch).execute())
        resume()
        await Promise.all(revoked)
        expect(stalled.forgotten).toContain(null)
      })

    test('that are missing leave nothing in the memory of the server whose own they are', async () => {
      const { address, drop } = await emptyDatabase(engine)
      opened.push(drop)
      const { revocations, forgotten } = await start(address)
      const database = await openDatabase(address)
      opened.push(() => database.close())
      const size = () => (Bun.gc(true), heapStats().heapSize)
      const before = size()
      const count = 500_000
      // Their rows have been deleted when the server reads what was added.
      await revocations.settle(count, Array<Invalidation>(count).fill(key('key_1')))
      await database.write((sql) =>
        sql.updateTable('counters').set({ value: count }).where('name', '=', 'revocation_epoch').execute(),
      )
      await revocations.poll()
      expect(forgotten.pop()).toBeNull()
      forgotten.length = 0
      // Kept, they take 30 MB.
      expect(size() - before).toBeLessThan(16 * count)
    })

    test('are kept by their number: the newest ten thousand, whatever their times', async () => {
      const { address, one, late } = await threeServers()
      await late.revoke('key_1')
      const database = await openDatabase(address)
      opened.push(() => database.close())
      const epochs = async () =>
        (await database.read.selectFrom('revocations').select('epoch').orderBy('epoch').execute()).map(
          (row) => row.epoch,
        )
      await database.write((sql) =>
        sql.updateTable('counters').set({ value: KEPT_EPOCHS }).where('name', '=', 'revocation_epoch').execute(),
      )
      await one.revoke('key_2')
      expect(await epochs()).toEqual([KEPT_EPOCHS + 1])
      await late.revoke('key_3')
      await one.revoke('key_4')
      expect(await epochs()).toEqual([KEPT_EPOCHS + 1, KEPT_EPOCHS + 2, KEPT_EPOCHS + 3])
    })
  })
