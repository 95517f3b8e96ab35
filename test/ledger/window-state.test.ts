/**
 * The state of a rate window as it is stored: what counts until when, and how much there is of it.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import {
  book,
  emptyState,
  expire,
  give,
  MINUTE,
  momentAt,
  packed,
  roomIn,
  unpacked,
  usedOf,
} from '../../ledger/window-state.ts'
import { runs } from '../runs.ts'

const SPAN = 60_000

test('a grant is not extended while more is used than the limit allows: it was lowered', () => {
  const state = emptyState()
  state.grants.set('s:1', { amount: 50, until: 20_000 })
  const giving = { span: MINUTE, now: 10_000, id: 's:2', server: 's', kept: { id: 's:1', isUnused: true } }
  const wish = { wanted: 0, largest: 1, standing: 'half' } as const
  expect(give(state, { ...giving, limit: 49 }, 0, wish, true)).toMatchObject({ amount: 0, added: null })
  expect(state.grants.get('s:1')).toEqual({ amount: 50, until: 20_000 })
  expect(give(state, { ...giving, limit: 50 }, 0, wish, true)).toMatchObject({ amount: 0, added: 0 })
  expect(state.grants.get('s:1')).toEqual({ amount: 50, until: 40_000 })
})

test('a use counts for a minute, and for no more than 1 ms longer, or 100 ms under a large limit', () => {
  const times = fc.oneof(fc.integer({ min: 0, max: 1e13 }), fc.double({ min: 0, max: 1e6, noNaN: true }))
  fc.assert(
    fc.property(times, fc.constantFrom(1, 240, 241, 100_000), (time, limit) => {
      const counts = (now: number) => {
        const state = emptyState()
        state.slots.set(momentAt(MINUTE, time, limit), 1)
        expire(state, { span: MINUTE, limit }, now)
        return usedOf(state)
      }
      // A window ends before the same moment of the next minute.
      const end = Math.ceil(time) + SPAN
      expect(counts(end - 1)).toBe(1)
      expect(counts(end + (limit <= 240 ? 1 : 100))).toBe(0)
    }),
    runs(100),
  )
})

test('what an earlier version stored counts until the window has left its whole slot', () => {
  const state = emptyState()
  // 10,000 to 10,249 by the number of its slot, and 10,100 by its moment.
  state.slots.set(40, 2)
  state.slots.set(momentAt(MINUTE, 10_100, 1), 3)
  for (const [now, used] of [
    [70_099, 5],
    [70_100, 2],
    [70_249, 2],
    [70_250, 0],
  ] as const) {
    expire(state, { span: MINUTE, limit: 10 }, now)
    expect(usedOf(state)).toBe(used)
  }
})

test('a window has 600 moments at most under a large limit, also of debts and grants that expired', () => {
  const most = (limit: number) => {
    const state = emptyState()
    let largest = 0
    for (let now = 1_000_000; now < 1_130_000; now += 20) {
      if (now % 200 === 0) state.grants.set(`s:${now}`, { amount: 1, until: now + 7 })
      expire(state, { span: MINUTE, limit }, now)
      book(state, { span: MINUTE, limit }, now, { closed: [], returned: new Map(), debt: 1, kept: null })
      largest = Math.max(largest, state.slots.size)
    }
    return largest
  }
  expect(most(240)).toBeGreaterThan(3_000)
  expect(most(241)).toBeLessThanOrEqual(602)
})

test('the time until there is room is true: not before, and then at once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.integer({ min: 0, max: 59_999 }), units: fc.integer({ min: 1, max: 30 }) }), {
        maxLength: 30,
      }),
      fc.integer({ min: 1, max: 100 }),
      (uses, needed) => {
        const now = 60_000
        const state = emptyState()
        for (const { at, units } of uses)
          state.slots.set(Math.floor(at / 250), (state.slots.get(Math.floor(at / 250)) ?? 0) + units)
        const wait = roomIn(state, MINUTE, now, 100, needed)!
        const hasRoom = (time: number) => {
          const copy = unpacked(packed(state))
          expire(copy, { span: MINUTE, limit: 100 }, time)
          return usedOf(copy) + needed <= 100
        }
        expect(hasRoom(now + wait)).toBe(true)
        if (wait > 0) expect(hasRoom(now + wait - 1)).toBe(false)
      },
    ),
    runs(200),
  )
})
