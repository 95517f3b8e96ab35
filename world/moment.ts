/** Moments by both clocks of this server, so that a sleep between two of them is seen. */
import type { World } from './world.ts'

/** In milliseconds. */
export interface Moment {
  steady: number
  wall: number
}

export const longAgo: Moment = { steady: -Infinity, wall: -Infinity }

export const momentOf = (world: World): Moment => ({ steady: world.steady(), wall: world.now() })

/**
 * Milliseconds between two moments, by the clock that says more: the steady one stands still while
 * the machine sleeps, and the one on the wall can be set back.
 */
export const between = (earlier: Moment, later: Moment) =>
  Math.max(later.steady - earlier.steady, later.wall - earlier.wall)
