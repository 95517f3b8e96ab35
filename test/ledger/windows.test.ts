/**
 * Rate windows in virtual time: several servers, late answers, lost ones, clocks that differ,
 * servers that die.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { mostDrift } from '../../ledger/lease.ts'
import { RateWindow, type Taken } from '../../ledger/window.ts'
import {
  book,
  emptyState,
  expire,
  give,
  GRANT_MILLISECONDS,
  MINUTE,
  packed,
  STANDING_MILLISECONDS,
  unpacked,
  usedOf,
  type WindowState,
} from '../../ledger/window-state.ts'
import { numbersFrom } from '../numbers.ts'
import { runs } from '../runs.ts'
import { START_MILLISECONDS } from '../setup.ts'

const SPAN = 60_000

/** A server, whose steady clock began at another time, and is a little slow or fast. */
class Server {
  readonly window: RateWindow
  readonly steady: () => number
  readonly name: string
  #clock: { offset: number; asked: number }
  #grants = 0
  #isUnderWay = false
  alive = true
  /** Until then it reaches no database, and goes on admitting. */
  cutOffUntil = 0

  constructor(name: string, limit: number, { offset, slow }: { offset: number; slow: number }, now: () => number) {
    this.name = name
    this.steady = () => now() * (1 - slow) + offset
    this.#clock = { offset: now() - this.steady(), asked: this.steady() }
    this.window = new RateWindow('limit', MINUTE, limit, {
      steady: this.steady,
      at: (moment) => moment + this.#clock.offset + mostDrift(moment - this.#clock.asked),
      hasStopped: () => false,
    })
  }

  /**
   * One exchange that takes `delay` to arrive and `delay` to come back; `lost` never comes back.
   * Whether the server is taken to be alone must not matter.
   */
  exchange(world: World, { delay, lost, alone, need }: Exchange) {
    if (this.#isUnderWay || world.now < this.cutOffUntil) return
    this.#isUnderWay = true
    const asked = this.steady()
    this.window.standsFor = alone
    const report = this.window.report(need > 0)
    world.later(delay, () => {
      const { state, limit } = world
      const now = world.now
      expire(state, { span: MINUTE, limit }, now)
      const booked = book(state, { span: MINUTE, limit }, now, report)
      const allotted = need <= limit - usedOf(state) ? need : 0
      const id = `${this.name}:${++this.#grants}`
      const giving = { span: MINUTE, limit, now, id, server: this.name, kept: report.kept }
      const given = give(state, giving, allotted, report, alone.little > 0)
      world.later(delay, () => {
        this.#isUnderWay = false
        if (!this.alive) return
        if (lost) return this.window.booked(new Set())
        this.#clock = { offset: now - asked, asked }
        this.window.booked(booked)
        this.window.granted(id, given, asked)
      })
    })
  }
}

interface Exchange {
  delay: number
  lost: boolean
  /** How long grants are kept; 0 on a server that is not taken to be alone. */
  alone: { half: number; little: number }
  need: number
}

class World {
  now = 1_000_000
  state: WindowState = emptyState()
  readonly limit: number
  readonly #steps: { at: number; run: () => void }[] = []

  constructor(limit: number) {
    this.limit = limit
  }

  later(delay: number, run: () => void) {
    this.#steps.push({ at: this.now + delay, run })
    this.#steps.sort((one, other) => one.at - other.at)
  }

  advance(milliseconds: number) {
    const until = this.now + milliseconds
    while (this.#steps[0] && this.#steps[0].at <= until) {
      const step = this.#steps.shift()!
      this.now = step.at
      step.run()
    }
    this.now = until
  }
}

const setting = fc.record({
  limit: fc.constantFrom(10, 100, 3000),
  servers: fc.integer({ min: 1, max: 4 }),
  /** Milliseconds between requests, in all. */
  pause: fc.integer({ min: 5, max: 400 }),
  units: fc.integer({ min: 1, max: 5 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  kills: fc.boolean(),
  lost: fc.boolean(),
  cuts: fc.boolean(),
  /** How often a server is taken to be alone. */
  alone: fc.constantFrom(0, 0.5, 1),
  /** Whether it takes each pause for a long rest. */
  rests: fc.boolean(),
})

test(
  'no window of sixty seconds holds more than the limit, whatever comes late, is lost or dies',
  () => {
    fc.assert(
      fc.property(setting, ({ limit, servers: count, pause, units, seed, kills, lost, cuts, alone, rests }) => {
        const world = new World(limit)
        const random = numbersFrom(seed)
        let names = 0
        const clock = () => ({ offset: Math.floor(random() * 1e6), slow: (random() - 0.5) / 1000 })
        const server = () => new Server(`s${names++}`, limit, clock(), () => world.now)
        const servers = Array.from({ length: count }, server)
        const uses: { at: number; units: number }[] = []
        const open: { server: Server; taken: Taken; use: { at: number; units: number } }[] = []
        let next = world.now
        for (const end = world.now + 130_000; world.now < end; world.advance(25)) {
          for (const one of servers)
            if (random() < 0.05)
              one.exchange(world, {
                delay: random() < 0.02 ? 300 : 2,
                lost: lost && random() < 0.02,
                alone: random() < alone ? { half: rests ? 200 : 3_600_000, little: 3_600_000 } : { half: 0, little: 0 },
                need: random() < 0.3 ? units : 0,
              })
          while (next <= world.now) {
            next += 1 + random() * 2 * pause
            const one = servers[Math.floor(random() * servers.length)]!
            if (!one.window.has(units, one.steady())) continue
            const use = { at: world.now, units }
            open.push({ server: one, taken: one.window.take(units, one.steady()), use })
            uses.push(use)
          }
          // Some end, and used less than was taken.
          if (open.length > 0 && random() < 0.5) {
            const { server, taken, use } = open.splice(Math.floor(random() * open.length), 1)[0]!
            if (server.alive) {
              use.units = Math.floor(random() * (units + 1))
              server.window.correct(taken, use.units)
            }
          }
          if (cuts && random() < 0.002)
            servers[Math.floor(random() * servers.length)]!.cutOffUntil = world.now + random() * 50_000
          if (kills && random() < 0.003) {
            const n = Math.floor(random() * servers.length)
            servers[n]!.alive = false
            servers[n] = server()
          }
          world.state = unpacked(packed(world.state))
        }
        expect(most(uses)).toBeLessThanOrEqual(limit)
      }),
      runs(25),
    )
  },
  START_MILLISECONDS * 10,
)

test('a grant is used up to its last hundredth, and what expired unreported counts once', () => {
  for (const [lifetime, last] of [
    [GRANT_MILLISECONDS, 1_900],
    [STANDING_MILLISECONDS, 29_700],
  ] as const) {
    let now = 5_000
    const window = new RateWindow('limit', MINUTE, 10, {
      steady: () => now,
      at: (moment) => moment,
      hasStopped: () => false,
    })
    window.granted('s:1', { amount: 5, lifetime, added: null }, now)
    now += last - 1
    expect(window.has(5, now)).toBe(true)
    now += 1
    expect(window.has(1, now)).toBe(false)
  }
  const state = emptyState()
  state.grants.set('s:1', { amount: 5, until: 10_000 })
  const limited = { span: MINUTE, limit: 10 }
  expire(state, limited, 10_000)
  const closed = [{ id: 's:1', used: new Map([[30, 3]]) }]
  expect([...book(state, limited, 10_100, { closed, returned: new Map(), debt: 0, kept: null })]).toEqual([])
  expect(usedOf(state)).toBe(5)
})

test('a fixed window fails the same check', () => {
  const uses = [...burst(59_900, 100), ...burst(60_100, 100)]
  expect(most(uses)).toBe(200)
})

/** The largest sum of units in any sixty seconds. */
function most(uses: { at: number; units: number }[]): number {
  let largest = 0
  let sum = 0
  let first = 0
  for (const { at, units } of uses) {
    sum += units
    while (uses[first]!.at <= at - SPAN) sum -= uses[first++]!.units
    largest = Math.max(largest, sum)
  }
  return largest
}

const burst = (at: number, count: number) => Array.from({ length: count }, () => ({ at, units: 1 }))
