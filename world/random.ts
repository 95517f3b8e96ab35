/** Random text and ids. */
import type { World } from './world.ts'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * `length` characters of base62, each equally likely: bytes from the last multiple of 62 on are
 * thrown away.
 */
export function base62(random: World['random'], length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random(length + 16)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62]
    }
  }
  return text
}

/** A number in base62, filled up with zeros on the left. */
export function base62Number(value: number | bigint, length: number): string {
  let text = ''
  if (typeof value === 'bigint')
    for (let rest = value; text.length < length; rest /= 62n) text = BASE62[Number(rest % 62n)] + text
  else for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) text = BASE62[rest % 62] + text
  return text
}

let lastMillisecond = 0
let counter = 0

/**
 * A prefix and 24 letters and digits, as OpenAI's ids have them. The first nine grow with time, so
 * that objects made in the same second still sort in the order in which they were made; the other
 * fifteen are random (89 bits).
 */
export function newId(prefix: string, world: World): string {
  const now = world.now()
  if (now > lastMillisecond) [lastMillisecond, counter] = [now, 0]
  else if (counter < 62 * 62 - 1) counter += 1
  // There were more ids than fit in a millisecond, or the clock was set back: the time in ids is
  // ahead of the clock for a while.
  else [lastMillisecond, counter] = [lastMillisecond + 1, 0]
  return prefix + base62Number(lastMillisecond, 7) + base62Number(counter, 2) + base62(world.random, 15)
}

const REQUEST_ID_DIGITS = 32
let drawnFrom: World | null = null
let digits = ''
let used = 0

/**
 * Like the real service: `req_` and 32 hexadecimal digits. Random bytes are drawn for many ids at
 * once, which costs little more than for one.
 */
export function newRequestId(world: World): string {
  if (drawnFrom !== world || used === digits.length) {
    drawnFrom = world
    digits = Buffer.from(world.random((128 * REQUEST_ID_DIGITS) / 2)).toString('hex')
    used = 0
  }
  return `req_${digits.slice(used, (used += REQUEST_ID_DIGITS))}`
}
