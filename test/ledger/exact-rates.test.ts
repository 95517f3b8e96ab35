/**
 * Rate limits under more load than they allow, and under less: never above the limit in any 60
 * seconds, as many as are possible when each counts a moment longer, and nobody is refused who has
 * room.
 */
import { expect, test } from 'bun:test'
import { DAY, MINUTE } from '../../ledger/window-state.ts'
import { numbersFrom } from '../numbers.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { admittedBy, arrivals, exactly, most, others } from './rates.ts'
import { Servers } from './servers.ts'

/** The limit, how many servers, and the load as a multiple of the limit. */
const loads = {
  sqlite: [
    [10, 1, 10],
    [10, 2, 3],
    [100, 2, 0.9],
    [100, 2, 3],
    [600, 1, 3],
  ],
  postgres: [
    [10, 2, 0.9],
    [10, 2, 10],
  ],
} as const

const seed = Math.floor(Math.random() * 2 ** 31)

for (const engine of engines)
  test(
    `one and two servers admit what a limit allows in any 60 seconds, and not less (${engine}, seed ${seed})`,
    async () => {
      const servers = await Servers.open(engine)
      try {
        for (const [limit, count, times] of loads[engine]) {
          const load = { limit, servers: count, times, lasting: 130_000 }
          const at = arrivals(load, seed)
          const admitted = await admittedBy(servers, load, at)
          expect(most(admitted)).toBeLessThanOrEqual(limit)
          // A use counts 1 ms longer, or 100 under a large limit, and for drift of the clocks 1 ms
          // for each second since the last exchange, at most 30.
          const counts = 60_031 + (limit <= 240 ? 0 : 100)
          expect(admitted.length).toBeGreaterThanOrEqual(exactly(at, limit, counts).length)
          if (times < 1) expect(admitted).toHaveLength(at.length)
        }
      } finally {
        await servers.stop()
      }
    },
    START_MILLISECONDS * 2,
  )

test('a fixed window, a token bucket and weighted windows fail the same check, and an exact one does not', () => {
  const load = { limit: 100, servers: 1, times: 10, lasting: 1_200_000 }
  const at = arrivals(load, 1)
  for (const limiter of Object.values(others)) expect(most(limiter(at, 100))).toBeGreaterThan(110)
  expect(most(exactly(at, 100))).toBe(100)
})

for (const engine of engines)
  test(
    `four fifths of every rate limit and of both budgets are refused to nobody (${engine})`,
    async () => {
      const servers = await Servers.open(engine)
      try {
        const both = [await servers.start(), await servers.start()]
        const random = numbersFrom(seed)
        // 80 of them a minute.
        const requests = 90
        const pause = 750
        const minute = (metric: 'requests' | 'tokens' | 'images' | 'audio_bytes', limit: number, units: number) =>
          ({ limit_key: 'model', metric, span: MINUTE, limit, units }) as const
        const day = (metric: 'requests_per_day' | 'batch_tokens_per_day', limit: number, units: number) =>
          ({ limit_key: 'model', metric, span: DAY, limit, units }) as const
        const what = {
          project_id: 'fifths',
          windows: [
            minute('requests', 100, 1),
            minute('tokens', 100_000, 1_000),
            minute('images', 200, 2),
            minute('audio_bytes', 100_000_000, 1_000_000),
            day('requests_per_day', Math.ceil(requests / 0.8), 1),
            day('batch_tokens_per_day', (requests * 1_000) / 0.8, 1_000),
          ],
          limits: { organization: (requests * 5_000) / 0.8, project: (requests * 5_000) / 0.8 },
        }
        const refused: unknown[] = []
        for (let n = 0; n < requests; n++) {
          const bound = 4_000 + Math.floor(random() * 1_000)
          const error = await both[random() < 0.7 ? 0 : 1]!.use({ ...what, bound })
          if (error) refused.push(error)
          await servers.advance(pause)
        }
        expect(refused).toEqual([])
      } finally {
        await servers.stop()
      }
    },
    START_MILLISECONDS * 2,
  )
