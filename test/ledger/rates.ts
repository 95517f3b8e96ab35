/**
 * A rate limit under load, in a time that the test moves: real ledgers on a real database, beside
 * limiters of other kinds that see the same requests, and one that knows everything at once.
 */
import { RateLimited } from '../../ledger/refusals.ts'
import { MINUTE } from '../../ledger/window-state.ts'
import { numbersFrom } from '../numbers.ts'
import { series } from './asks.ts'
import type { Servers } from './servers.ts'

const WINDOW = 60_000

export interface Load {
  limit: number
  servers: number
  /** Requests in the time of a burst, as a multiple of the limit. */
  times: number
  /** Milliseconds. */
  lasting: number
}

/** Milliseconds at which requests come: bursts of 10 to 50 seconds, and 5 to 25 of silence. */
export function arrivals({ limit, times, lasting }: Load, seed: number): number[] {
  const random = numbersFrom(seed)
  const all: number[] = []
  const pause = WINDOW / limit / times
  for (let at = 5_000 + random() * 20_000; at < lasting; at += 5_000 + random() * 20_000)
    for (const end = Math.min(lasting, at + 10_000 + random() * 40_000); at < end; at += pause) all.push(Math.floor(at))
  return all
}

/** When the ledgers admitted what came; `admitted` are these times, of the same clock as `at`. */
export async function admittedBy(servers: Servers, load: Load, at: readonly number[]) {
  for (let n = 0; n < load.servers; n++) await servers.start()
  const began = servers.now
  const admitted: number[] = []
  const project_id = `p${load.limit}-${load.servers}-${load.times}`
  const what = {
    organization_id: 'org',
    project_id,
    limits: { organization: null, project: null },
    bound: 0,
    series: { ...series, project_id },
    windows: [{ limit_key: 'model', metric: 'requests', span: MINUTE, limit: load.limit, units: 1 }] as const,
  }
  const admit = async (n: number) => {
    const { living } = servers
    try {
      const admission = living[n % living.length]!.ledger.admit(what)
      const one = admission instanceof Promise ? await admission : admission
      admitted.push(servers.now - began)
      one.settle({ requests: 1 })
    } catch (error) {
      if (!(error instanceof RateLimited)) throw error
    }
  }
  const asked: Promise<void>[] = []
  for (const [n, time] of at.entries()) {
    if (began + time > servers.now) await servers.advance(began + time - servers.now)
    // Two servers get different parts of the load, and change them.
    asked.push(admit(time % 20_000 < 10_000 ? n : n % 5 === 0 ? 1 : 0))
  }
  await servers.advance(2_000)
  await Promise.all(asked)
  await servers.stopAll()
  return admitted
}

/** The most requests in any 60 seconds. */
export function most(times: readonly number[]): number {
  let largest = 0
  let first = 0
  for (const [n, time] of times.entries()) {
    while (times[first]! <= time - WINDOW) first++
    largest = Math.max(largest, n - first + 1)
  }
  return largest
}

type Limiter = (at: readonly number[], limit: number) => number[]

/** Admits whatever leaves no window of 60 seconds above the limit: nobody can admit more. */
export function exactly(at: readonly number[], limit: number, window = WINDOW): number[] {
  const admitted: number[] = []
  for (const time of at) if (!(admitted.at(-limit)! > time - window)) admitted.push(time)
  return admitted
}

/** What others do. Each of them passes the limit after a silence. */
export const others: Record<string, Limiter> = {
  'fixed window': (at, limit) => {
    const used = new Map<number, number>()
    return at.filter((time) => {
      const minute = Math.floor(time / WINDOW)
      const count = (used.get(minute) ?? 0) + 1
      if (count <= limit) used.set(minute, count)
      return count <= limit
    })
  },
  'token bucket': (at, limit) => {
    let [tokens, last] = [limit, 0]
    return at.filter((time) => {
      tokens = Math.min(limit, tokens + ((time - last) * limit) / WINDOW)
      last = time
      if (tokens < 1) return false
      tokens--
      return true
    })
  },
  'weighted windows': (at, limit) => {
    const used = new Map<number, number>()
    return at.filter((time) => {
      const minute = Math.floor(time / WINDOW)
      const part = 1 - (time % WINDOW) / WINDOW
      const count = used.get(minute) ?? 0
      if ((used.get(minute - 1) ?? 0) * part + count + 1 > limit) return false
      used.set(minute, count + 1)
      return true
    })
  },
}
