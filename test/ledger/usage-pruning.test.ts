/** Old usage: minutes and hours are deleted, days stay, and reports keep their sums. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sql as raw } from 'kysely'
import { readKept } from '../../ledger/kept-usage.ts'
import { partsOf } from '../../ledger/report-parts.ts'
import { defaultKeptDays, UsagePruner } from '../../ledger/usage-pruner.ts'
import { seriesId } from '../../ledger/series-rows.ts'
import { rollUp } from '../../ledger/usage-rows.ts'
import { engines, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { series } from './asks.ts'

const DAY = 86_400
const HOUR = 3_600

for (const engine of engines)
  describe(`pruning of usage (${engine})`, () => {
    let server: TestServer
    /** How many rows the transactions since the last question deleted, each of them. */
    let deleted: number[] = []
    /** The begin of today. */
    let today: number
    beforeAll(async () => {
      server = await startServer(engine, {
        wrap: (database) => ({
          read: database.read,
          engine: database.engine,
          path: database.path,
          write: (work) => database.write(work),
          announce: (sql) => database.announce(sql),
          listen: (heard) => database.listen(heard),
          ping: () => database.ping(),
          close: () => database.close(),
          processLocks: database.processLocks,
          async writeUnsynced(work) {
            const result = await database.writeUnsynced(work)
            if (typeof result === 'number') deleted.push(result)
            return result
          },
        }),
      })
      today = Math.floor(Date.now() / 1000 / DAY) * DAY
    }, START_MILLISECONDS)
    afterAll(() => server.stop())

    /** One request at each moment, with as many tokens as its place in the list. */
    const use = (moments: readonly number[]) =>
      server.database.write((sql) =>
        rollUp(
          sql,
          engine,
          moments.map((at, place) => ({
            series: { ...series, organization_id: server.organization_id, project_id: server.project_id },
            minute: Math.floor(at / 60),
            counts: { requests: 1, input: place + 1 },
          })),
        ),
      )
    /** The tokens of each bucket in which there are any, by the bucket's begin. */
    async function report(start_time: number, end_time: number, bucket_width: '1m' | '1h' | '1d', limit: number) {
      const { data } = await server.client.admin.organization.usage.completions({
        start_time,
        end_time,
        bucket_width,
        limit,
      })
      const results = data.flatMap(({ start_time, results }) =>
        results.map((result) => [start_time, (result as { input_tokens: number }).input_tokens] as const),
      )
      return Object.fromEntries(results)
    }
    const rows = async (table: 'usage_minutes' | 'usage_hours' | 'usage_days') =>
      (await server.database.read.selectFrom(table).select('at').execute()).length

    test('deletes whole days of minutes and hours, keeps days for ever, and loses no sum of a report', async () => {
      const old = today - 60 * DAY
      const ancient = today - 500 * DAY
      const moments = [
        ancient + 90,
        ancient + 5 * HOUR,
        ancient + DAY + 60,
        old,
        old + 10 * HOUR + 29 * 60,
        old + 10 * HOUR + 30 * 60,
        old + 11 * HOUR,
        old + DAY + 13 * HOUR + 60,
        today - 45 * DAY - 60,
        today - 45 * DAY,
        today - DAY,
      ]
      await use(moments)
      const ragged = () => report(old + 10 * HOUR, old + DAY + 14 * HOUR, '1d', 31)
      const inHours = () => report(old, old + DAY, '1h', 168)
      const before = [await ragged(), await inHours()]
      expect(before[0]).toEqual({ [old + 10 * HOUR]: 5 + 6 + 7, [old + DAY]: 8 })
      await server.now.prune()
      // Whole hours are there as before.
      expect([await ragged(), await inHours()]).toEqual(before)
      expect([await rows('usage_minutes'), await rows('usage_hours'), await rows('usage_days')]).toEqual([2, 7, 7])
      // Where minutes are gone, an hour counts where it begins; where hours are gone, a day does.
      expect(await report(old + 10 * HOUR + 60, old + DAY, '1d', 31)).toEqual({ [old + 10 * HOUR + 60]: 7 })
      expect(await report(old + 10 * HOUR, old + 10 * HOUR + 60, '1m', 1440)).toEqual({ [old + 10 * HOUR]: 5 + 6 })
      expect(await report(ancient, ancient + 2 * DAY, '1h', 168)).toEqual({ [ancient]: 1 + 2, [ancient + DAY]: 3 })
      // Ranges that follow each other have everything, and nothing twice.
      const ends = [ancient, ancient + 1_000, old + 1, old + 10 * HOUR + 1_830, today - 45 * DAY - 30, today + DAY]
      let sum = 0
      for (const [place, end] of ends.slice(1).entries())
        for (const input of await everyDay(ends[place]!, end)) sum += input
      expect(sum).toBe((moments.length * (moments.length + 1)) / 2)
    })

    async function everyDay(start_time: number, end_time: number): Promise<number[]> {
      const pages = server.client.admin.organization.usage
      const found: number[] = []
      for (let page: string | undefined; ;) {
        const answer = await pages.completions({ start_time, end_time, limit: 31, page })
        for (const { results } of answer.data)
          found.push(...results.map((result) => (result as { input_tokens: number }).input_tokens))
        if (!answer.next_page) return found
        page = answer.next_page
      }
    }

    test('deletes at most 5,000 rows in a transaction, and several servers do it side by side', async () => {
      const begin = Math.floor(today / 60) - 50 * 1440
      const id = seriesId({ ...series, organization_id: server.organization_id, project_id: server.project_id })
      await server.database.write(async (sql) => {
        await raw`
          insert into usage_minutes (at, series_id, requests)
          with recursive minutes(at) as (select ${raw.lit(begin)} union all
            select at + 1 from minutes where at < ${raw.lit(begin + 6_999)})
          select at, ${raw.lit(id)}, 1 from minutes`.execute(sql)
      })
      deleted = []
      const others = [1, 2].map(
        () =>
          new UsagePruner(server.database, server.world, defaultKeptDays, (error) => {
            throw error
          }),
      )
      await Promise.all([server.now.prune(), ...others.map((other) => other.look())])
      expect(Math.max(...deleted)).toBeLessThanOrEqual(5_000)
      expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(7_000)
      expect(await rows('usage_minutes')).toBe(2)
    })

    test('a report that was read while something was pruned is read again', async () => {
      const { read } = server.database
      let reads = 0
      const before = (await report(today - 45 * DAY, today, '1d', 31))[today - 45 * DAY]
      const sum = await readKept(read, async (kept) => {
        if (reads++ === 0) {
          const shorter = { ...defaultKeptDays, minute: 30 }
          await new UsagePruner(server.database, server.world, shorter, (error) => {
            throw error
          }).look()
        }
        return kept.minute
      })
      expect([reads, sum]).toEqual([2, Math.floor(today / 60) - 30 * 1440])
      // A longer time than before brings nothing back, and the sums are the same.
      await server.now.prune()
      expect((await report(today - 45 * DAY, today, '1d', 31))[today - 45 * DAY]).toBe(before!)
    })
  })

test('a report by the day reads hours for whole hours, and minutes only for the rest', () => {
  const [day, hour] = [1440, 60]
  const from = 100 * day + 10 * hour + 30
  expect(partsOf('day', from, 103 * day + 2 * hour + 5, { minute: 0, hour: 0 })).toEqual([
    { table: 'minute', begin: from, end: from + 30 },
    { table: 'hour', begin: from + 30, end: 101 * day },
    { table: 'day', begin: 101 * day, end: 103 * day },
    { table: 'hour', begin: 103 * day, end: 103 * day + 2 * hour },
    { table: 'minute', begin: 103 * day + 2 * hour, end: 103 * day + 2 * hour + 5 },
  ])
})
