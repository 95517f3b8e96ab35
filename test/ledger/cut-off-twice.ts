/** What befalls a server that is cut off, once, or again as soon as it has begun anew. */
import { expect } from 'bun:test'
import type { Server, Servers } from './servers.ts'

/** A server that stalls comes back after others took it for dead. */
export async function comeBack(servers: Servers, one: Server) {
  await servers.advance(10_000)
  one.wake()
  await servers.advance(2_000)
}

/**
 * `act` happens on the server while it is cut off. It is cut off again before the exchange that
 * reports what it kept of that, and the next change of the database comes late.
 */
export async function cutOffTwice(servers: Servers, one: Server, act: () => Promise<unknown>) {
  await servers.advance(600)
  one.stall()
  await act()
  await servers.advance(10_000)
  one.wake()
  const before = one.writes
  // The exchange finds that others took it for dead; then it is added under a new name.
  while (one.writes < before + 2) await servers.advance(20)
  one.stall()
  await servers.advance(10_000)
  one.next = 'comes late'
  one.wake()
  await servers.advance(20_000)
  // It may be lost, and nothing after it.
  expect(one.errors.splice(0).length).toBeLessThanOrEqual(1)
}
