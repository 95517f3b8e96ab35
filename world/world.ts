/** Time, chance and the network. They are passed in, so that a test can choose them. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'

export interface World {
  /** Milliseconds since 1970. This clock can be set, also back. */
  now: () => number
  /** Milliseconds since some moment, for durations. This clock is never set back. */
  steady: () => number
  /**
   * Calls back after so many milliseconds, and returns a function that cancels it. It does not keep
   * the process alive.
   */
  later: (milliseconds: number, work: () => void) => () => void
  /** That many unpredictable bytes. */
  random: (size: number) => Uint8Array
  /** A number from 0 up to 1 that may be predictable, for pauses of different lengths. */
  chance: () => number
  /** The one way out to other servers. */
  fetch: (url: string, init?: BunFetchRequestInit) => Promise<Response>
  /** A connection of our own to the host and port of an address, encrypted for https. */
  dial: (url: URL) => Socket
  /** The IP addresses of a host; of an address, itself. Throws where there are none. */
  addressesOf: (host: string) => Promise<string[]>
}

export const realWorld: World = {
  now: Date.now,
  steady: () => performance.now(),
  later(milliseconds, work) {
    const timer = setTimeout(work, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  },
  random: randomBytes,
  chance: Math.random,
  fetch: (url, init) => fetch(url, init),
  dial: ({ hostname, port, protocol }) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    if (protocol !== 'https:') return connect({ host, port: Number(port || 80), noDelay: true })
    const servername = isIP(host) ? undefined : host
    return connectSecurely({ host, port: Number(port || 443), servername, ALPNProtocols: ['http/1.1'] })
  },
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
}

export const seconds = (world: World) => Math.floor(world.now() / 1000)
