/** A large page of a report is given out in pieces, so that other requests have their turn. */
import { describe, expect, test } from 'bun:test'
import { sql as raw } from 'kysely'
import { rollUp } from '../../ledger/usage-rows.ts'
import { engines, startServer } from '../setup.ts'
import { series } from './asks.ts'

const LARGEST_PIECE = 256 * 1024

for (const engine of engines)
  describe(`a page of a megabyte (${engine})`, () => {
    test('comes in pieces between which others have their turn, and is whole', async () => {
      const server = await startServer(engine)
      try {
        const begin = Math.floor(Date.now() / 86_400_000) * 1440 - 1440
        const { database, organization_id } = server
        await database.write(async (sql) => {
          const own = { ...series, organization_id }
          await rollUp(sql, engine, [{ series: own, minute: begin, counts: { requests: 1 } }])
          await raw`
            insert into usage_minutes (at, series_id, requests)
            with recursive minutes(at) as (select ${raw.lit(begin + 1)} union all
              select at + 1 from minutes where at < ${raw.lit(begin + 1439)})
            select m.at, u.series_id, 1 from minutes m, usage_minutes u where u.at = ${raw.lit(begin)}`.execute(sql)
        })
        const query = `start_time=${begin * 60}&end_time=${(begin + 1440) * 60}&bucket_width=1m&limit=1440`
        const answer = await server.request('GET', `/organization/usage/completions?${query}`)
        let [text, pieces, largest, turns] = ['', 0, 0, 0]
        let isRead = false
        // Not a timer: on a fast machine all pieces come within its millisecond.
        const turn = () => {
          turns++
          if (!isRead) setImmediate(turn)
        }
        setImmediate(turn)
        const decoder = new TextDecoder()
        for await (const piece of answer.body!) {
          text += decoder.decode(piece, { stream: true })
          largest = Math.max(largest, piece.length)
          pieces++
        }
        isRead = true
        expect(largest).toBeLessThan(LARGEST_PIECE)
        expect(pieces).toBeGreaterThan(3)
        expect(turns).toBeGreaterThan(3)
        const { data } = JSON.parse(text) as { data: { results: { num_model_requests: number }[] }[] }
        expect(data.map(({ results }) => results[0]!.num_model_requests)).toEqual(Array.from({ length: 1440 }, () => 1))
        // Where this process makes the page of costs, a piece is made of few rows, however short it
        // is.
        if (engine === 'sqlite') return
        const costs = await server.request('GET', `/organization/costs?${query}`)
        let count = 0
        for await (const _ of costs.body!) count++
        expect(count).toBeGreaterThan(90)
      } finally {
        await server.stop()
      }
    })
  })
