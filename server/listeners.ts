/**
 * The sockets that the server listens on: the main one, and one for each part that has a port of
 * its own. With a certificate, all of them speak TLS.
 */
import type { Upgrade } from '../gateway/model-request.ts'
import { LONGEST_MESSAGE, type SocketEnd } from '../gateway/sockets/socket-relay.ts'
import { Failed } from '../world/failed.ts'
import type { Config } from './config.ts'
import { urlOf } from './greeting.ts'
import type { PresentedBy } from '../gateway/policies/client-certificates.ts'
import { TlsFront, type FrontOptions, type Peer } from './tls-front.ts'
import type { TlsIdentity } from './tls-identity.ts'
import { parts, type Handler, type Part } from './router.ts'

type BunServer = Bun.Server<SocketEnd>

interface Listener {
  /** The parts that are answered here. */
  parts: Part[]
  server: BunServer
  /** Ends TLS, and passes everything to `server`, which then listens on the loopback interface. */
  front: TlsFront | null
  url: string
  isMain: boolean
}

export class Listeners {
  readonly all: Listener[] = []
  readonly #ready = Promise.withResolvers<void>()
  readonly #handlers = new Map<Listener, Handler>()
  /** Of requests that became WebSockets: Bun does not know their connections any more. */
  readonly #upgraded = new WeakMap<Request, Peer>()

  /**
   * Opens all ports; requests wait until `serve`. This happens before the first key is made, so
   * that a start that fails because a port is taken has not made a key that nobody saw. Throws
   * Failed with a sentence.
   */
  static async open(config: Config, identity: TlsIdentity | null): Promise<Listeners> {
    const listeners = new Listeners()
    try {
      const own = parts.filter((part) => config[`${part}_port`] !== null)
      const others = parts.filter((part) => !own.includes(part))
      const tls = identity && { identity, asksForCertificates: config.tls_client_certs }
      await listeners.#open(others, { host: config.host, port: config.port, flag: '--port' }, tls, true)
      for (const part of own) {
        const address = { host: config[`${part}_host`], port: config[`${part}_port`]!, flag: `--${part}-port` }
        await listeners.#open([part], address, tls, false)
      }
    } catch (error) {
      void listeners.stop(true)
      throw error
    }
    return listeners
  }

  async #open(served: Part[], address: Address, tls: Tls | null, isMain: boolean) {
    const front = tls && (await openFront(address, tls))
    const at = front ? { ...address, host: '127.0.0.1', port: 0 } : address
    const server = listen(at, front !== null, async (request) => {
      await this.#ready.promise
      return this.#handlers.get(listener)!(request)
    })
    front?.passTo(server.port!)
    const url = front ? urlOf(address.host, front.port, 'https') : urlOf(address.host, server.port!)
    const listener: Listener = { parts: served, server, front, url, isMain }
    this.all.push(listener)
  }

  get main(): Listener {
    return this.all[0]!
  }

  /** Begins to answer requests. `handlerOf` makes the handler of a listener. */
  serve(handlerOf: (listener: Listener) => Handler) {
    for (const listener of this.all) {
      const answer = handlerOf(listener)
      // Only bytes that came through TLS are answered, not those of another program on this
      // machine.
      const fetch: Handler = listener.front
        ? (request) => (this.#peer(request) ? answer(request) : notForYou())
        : answer
      this.#handlers.set(listener, fetch)
      listener.server.reload({ fetch })
    }
    this.#ready.resolve()
  }

  /** The address at the other end of a request's connection. Any of Bun's servers knows it. */
  readonly socketAddress = (request: Request): string | null => {
    if (this.main.front) return this.#peer(request)?.address ?? null
    return (this.main.server.requestIP(request) ?? this.#upgraded.get(request))?.address ?? null
  }

  /** The certificate that the client showed when it connected by TLS. */
  readonly peerCertificate: PresentedBy = (request) => this.#peer(request)?.certificate() ?? null

  /** New connections get this certificate; those that are open stay as they are. */
  replace(identity: TlsIdentity) {
    for (const { front } of this.all) front?.replace(identity)
  }

  #peer(request: Request): Peer | undefined {
    const port = this.main.server.requestIP(request)?.port
    for (const { front } of this.all) {
      const peer = front?.peer(port)
      if (peer) return peer
    }
    return this.#upgraded.get(request)
  }

  /** Makes a WebSocket of a request that came in where the gateway listens. */
  readonly upgrade: Upgrade = (request, end, headers) => {
    const { server } = this.all.find(({ parts }) => parts.includes('gateway'))!
    const address = this.socketAddress(request)
    this.#upgraded.set(request, this.#peer(request) ?? { address, certificate: () => null })
    return server.upgrade(request, { data: end, headers })
  }

  /** How long the connection of a request may be silent; 0 for any time. */
  idleLimit(request: Request, seconds: number) {
    this.main.server.timeout(request, seconds)
  }

  get pendingRequests() {
    return this.all.reduce((sum, { server }) => sum + server.pendingRequests + server.pendingWebSockets, 0)
  }

  /** Accepts no more, and resolves when no request is under way; with `now` these are cut off. */
  async stop(now = false) {
    for (const { front } of this.all) front?.close()
    await Promise.all(this.all.map(({ server }) => server.stop(now)))
    for (const { front } of this.all) front?.cut()
  }
}

interface Address {
  host: string
  port: number
  flag: string
}

type Tls = Pick<FrontOptions, 'identity' | 'asksForCertificates'>

const notForYou = () => new Response(null, { status: 421 })

async function openFront(address: Address, tls: Tls): Promise<TlsFront> {
  try {
    return await TlsFront.open({ ...address, ...tls })
  } catch (error) {
    throw cannotListen(address, error)
  }
}

function cannotListen({ host, port, flag }: Address, error: unknown) {
  const { code, message } = error as { code?: string; message: string }
  return new Failed(
    code === 'EADDRINUSE'
      ? `Port ${port} on ${host} is taken; stop what listens there, or choose another with ${flag}.`
      : `Cannot listen on ${host}:${port}: ${message}.`,
  )
}

/** Each socket's own code decides. Without compression, which would keep memory for each. */
const websocket: Bun.WebSocketHandler<SocketEnd> = {
  open: (client) => client.data.open(client),
  message: (client, message) => client.data.message(message),
  drain: (client) => client.data.drain(),
  close: (client, code, reason) => client.data.close(code, reason),
  maxPayloadLength: LONGEST_MESSAGE,
  // The upstream is not read while a client takes nothing, so no more than two messages wait.
  backpressureLimit: 3 * LONGEST_MESSAGE,
  closeOnBackpressureLimit: true,
  perMessageDeflate: false,
  idleTimeout: 60,
  sendPings: true,
}

/** HTTP/2 is for clients that choose it with TLS. */
function listen(address: Address, http2: boolean, fetch: Handler): BunServer {
  const { host, port } = address
  try {
    return Bun.serve<SocketEnd>({
      hostname: host,
      port,
      http2,
      fetch,
      // The code that reads a body limits it, and answers 413 with a message; Bun's own 413 has
      // none. Bun does not keep a body that nobody reads.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 60,
      development: false,
      websocket,
      // Outside of development Bun would share the port: a second server on it would take half of
      // the connections.
      reusePort: false,
    })
  } catch (error) {
    throw cannotListen(address, error)
  }
}
