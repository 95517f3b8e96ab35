/**
 * The sockets that the server listens on: the main one, and one for each part that has a port of
 * its own.
 */
import { Failed } from '../world/failed.ts'
import type { Config } from './config.ts'
import { urlOf } from './greeting.ts'
import { parts, type Handler, type Part } from './router.ts'

type BunServer = Bun.Server<undefined>

interface Listener {
  /** The parts that are answered here. */
  parts: Part[]
  server: BunServer
  url: string
  isMain: boolean
}

export class Listeners {
  readonly all: Listener[] = []
  readonly #ready = Promise.withResolvers<void>()
  readonly #handlers = new Map<Listener, Handler>()

  /**
   * Opens all ports; requests wait until `serve`. This happens before the first key is made, so
   * that a start that fails because a port is taken has not made a key that nobody saw. Throws
   * Failed with a sentence.
   */
  constructor(config: Config) {
    try {
      const own = parts.filter((part) => config[`${part}_port`] !== null)
      const others = parts.filter((part) => !own.includes(part))
      this.#open(others, { host: config.host, port: config.port, flag: '--port' }, true)
      for (const part of own) {
        const address = { host: config[`${part}_host`], port: config[`${part}_port`]!, flag: `--${part}-port` }
        this.#open([part], address, false)
      }
    } catch (error) {
      void this.stop(true)
      throw error
    }
  }

  #open(served: Part[], address: Address, isMain: boolean) {
    const server = listen(address, async (request) => {
      await this.#ready.promise
      return this.#handlers.get(listener)!(request)
    })
    const listener = { parts: served, server, url: urlOf(address.host, server.port!), isMain }
    this.all.push(listener)
  }

  get main(): Listener {
    return this.all[0]!
  }

  /** Begins to answer requests. `handlerOf` makes the handler of a listener. */
  serve(handlerOf: (listener: Listener) => Handler) {
    for (const listener of this.all) {
      const fetch = handlerOf(listener)
      this.#handlers.set(listener, fetch)
      listener.server.reload({ fetch })
    }
    this.#ready.resolve()
  }

  /** The address at the other end of a request's connection. Any of Bun's servers knows it. */
  socketAddress(request: Request): string | null {
    return this.main.server.requestIP(request)?.address ?? null
  }

  /** How long the connection of a request may be silent; 0 for any time. */
  idleLimit(request: Request, seconds: number) {
    this.main.server.timeout(request, seconds)
  }

  get pendingRequests() {
    return this.all.reduce((sum, { server }) => sum + server.pendingRequests, 0)
  }

  /** Accepts no more, and resolves when no request is under way; with `now` these are cut off. */
  async stop(now = false) {
    await Promise.all(this.all.map(({ server }) => server.stop(now)))
  }
}

interface Address {
  host: string
  port: number
  flag: string
}

function listen({ host, port, flag }: Address, fetch: Handler): BunServer {
  try {
    return Bun.serve({
      hostname: host,
      port,
      fetch,
      // The code that reads a body limits it, and answers 413 with a message; Bun's own 413 has
      // none. Bun does not keep a body that nobody reads.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 60,
      development: false,
      // Outside of development Bun would share the port: a second server on it would take half of
      // the connections.
      reusePort: false,
    })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    throw new Failed(
      code === 'EADDRINUSE'
        ? `Port ${port} on ${host} is taken; stop what listens there, or choose another with ${flag}.`
        : `Cannot listen on ${host}:${port}: ${message}.`,
    )
  }
}
