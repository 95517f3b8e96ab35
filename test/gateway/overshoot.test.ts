/** A spend limit of one dollar under real servers, some of which are killed. */
import { expect, test } from 'bun:test'
import { figure, rounds } from '../runs.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { LIMIT, Spenders } from './spenders.ts'

const isLong = rounds(1) > 1
const dollars = (nano: number) => `$${(nano / 1e9).toFixed(6)}`
const between = (least: number, most: number) => () => least + Math.random() * (most - least)
const scale = isLong
  ? { clients: 200, kills: 6, killEvery: 3_000, endsLeases: false, latency: between(200, 4_000) }
  : { clients: 12, kills: 1, killEvery: 400, endsLeases: true, latency: between(50, 300) }

for (const engine of engines)
  for (const servers of isLong ? [1, 2] : engine === 'sqlite' ? [2] : [1])
    test(
      `servers killed with kill -9 never pass a spend limit, and what ended is counted as the upstream did (${engine}, ${servers})`,
      async () => {
        const spenders = await Spenders.start({ engine, servers, ...scale })
        try {
          await spenders.spend()
          expect(spenders.problems).toEqual([])
          const { settled, burned, reserved } = await spenders.look()
          expect(reserved).toBe(0)
          expect(settled + burned).toBeLessThanOrEqual(LIMIT)
          expect(settled).toBeGreaterThanOrEqual(LIMIT * 0.95)
          const lives = await spenders.byServer()
          for (const { isKilled, counted, reported, estimated, leastEstimated } of lives) {
            if (!isKilled) expect(reported).toBe(counted)
            if (!isKilled) expect(estimated).toBeGreaterThanOrEqual(leastEstimated)
            expect(reported).toBeLessThanOrEqual(counted)
          }
          // What a killed server had running is settled at its bound, or burned.
          const sum = (what: 'counted' | 'reported' | 'estimated') => lives.reduce((all, one) => all + one[what], 0)
          expect(sum('reported') + sum('estimated')).toBe(settled)
          expect(settled + burned).toBeGreaterThanOrEqual(sum('counted'))
          const { kills, admitted, refused, states } = spenders.counts
          figure(
            `${engine}, ${servers} server${servers > 1 ? 's' : ''}: ${kills} kills, ${admitted} admitted, ${refused} refused; ` +
              `${states} states looked at, 0 wrong; settled ${dollars(settled)}, burned ${dollars(burned)}, reserved 0; ` +
              `the upstream counted ${dollars(sum('counted'))}, of which reported ${dollars(sum('reported'))}; ` +
              `estimated ${dollars(sum('estimated'))}`,
          )
        } finally {
          await spenders.stop()
        }
      },
      START_MILLISECONDS * (isLong ? 10 : 1),
    )
