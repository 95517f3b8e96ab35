/** What the code may know of the world outside: time, chance, the network. Passed in, so that a test can choose them. */
import { randomBytes } from 'node:crypto'

export interface World {
  /** Milliseconds since 1970. */
  now: () => number
  /** That many unpredictable bytes. */
  random: (size: number) => Uint8Array
  fetch: (request: Request) => Promise<Response>
}

export const realWorld: World = { now: Date.now, random: randomBytes, fetch }

export const seconds = (world: World) => Math.floor(world.now() / 1000)
