/**
 * Preloaded into a server of an older version (`bun --preload`): its keys and tokens are derived,
 * and its clock begins at CLOCK_BEGINS. Each SIGUSR2 moves the clock on by an hour.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { derivedBytes, KEY_BYTES, TOKEN_BYTES } from './derived.ts'

const tree = process.env.OLD_TREE!
// 0.1.0 had it elsewhere.
const file = ['world/world.ts', 'keys/world.ts'].map((one) => join(tree, one)).find((one) => existsSync(one))!
const { realWorld } = (await import(file)) as {
  realWorld: { now: () => number; random: (size: number) => Uint8Array }
}

const random = realWorld.random
const drawn = new Map<number, number>()
realWorld.random = (size) => {
  if (size !== KEY_BYTES && size !== TOKEN_BYTES) return random(size)
  const n = drawn.get(size) ?? Number(process.env.DRAWN_BEFORE ?? 0)
  drawn.set(size, n + 1)
  return derivedBytes(size, n)
}

let shift = Number(process.env.CLOCK_BEGINS) * 1000 - Date.now()
const now = Date.now
Date.now = () => now() + shift
realWorld.now = Date.now
process.on('SIGUSR2', () => (shift += 3_600_000))
