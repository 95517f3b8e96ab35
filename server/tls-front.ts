/**
 * Ends TLS in front of a listener that speaks plain HTTP on the loopback interface. `Bun.serve`
 * ends TLS too, but neither takes another certificate while it runs nor shows that of a client;
 * both are what `node:tls` does. The bytes pass as they are, so HTTP/1.1 and HTTP/2 both work.
 */
import { connect, type Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { ClientCertificate } from '../keys/certificates/client-certificate.ts'
import { MOST_INTERMEDIATES } from '../keys/certificates/certificate-path.ts'
import type { TlsIdentity } from './tls-identity.ts'

const HANDSHAKE_MILLISECONDS = 10_000
/** How long a connection may wait for the bytes to begin to pass. */
const LOOPBACK = '127.0.0.1'

/** Who is at the other end of a connection. */
export interface Peer {
  address: string | null
  /** Read when it is first needed. */
  certificate: () => ClientCertificate | string | null
}

export interface FrontOptions {
  host: string
  port: number
  identity: TlsIdentity
  /** Asks clients for a certificate, and takes any or none: the gateway decides. */
  asksForCertificates: boolean
}

export class TlsFront {
  readonly #server: Server
  /** By the port from which the bytes of a connection come in. */
  readonly #peers = new Map<number, Peer>()
  readonly #open = new Set<Socket>()
  /** The port of the listener behind. */
  #behind = 0

  private constructor({ identity, asksForCertificates }: FrontOptions) {
    this.#server = createServer({
      ...secure(identity),
      requestCert: asksForCertificates,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: HANDSHAKE_MILLISECONDS,
    })
    this.#server.on('secureConnection', (socket) => this.#join(socket))
    this.#server.on('tlsClientError', (_, socket) => void socket.destroy())
  }

  /** Listens; connections wait until `passTo`. Rejects with the error of the socket. */
  static async open(options: FrontOptions): Promise<TlsFront> {
    const front = new TlsFront(options)
    await new Promise<void>((resolve, reject) => {
      front.#server.once('error', reject)
      front.#server.listen(options.port, options.host, () => resolve())
    })
    return front
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  passTo(port: number) {
    this.#behind = port
  }

  /**
   * The peer of the connection whose bytes come from this port; none for others on this machine.
   */
  peer(port: number | undefined): Peer | undefined {
    return port === undefined ? undefined : this.#peers.get(port)
  }

  /** New connections get this one; those that are open stay as they are. */
  replace(identity: TlsIdentity) {
    this.#server.setSecureContext(secure(identity))
  }

  /** Accepts no more. */
  close() {
    this.#server.close()
  }

  /** Cuts off what is open. */
  cut() {
    for (const socket of this.#open) socket.destroy()
  }

  #join(outer: TLSSocket) {
    const inner = connect({ host: LOOPBACK, port: this.#behind, noDelay: true })
    outer.setNoDelay(true)
    let from: number | undefined
    const end = () => {
      // Before the port is free for another.
      if (from !== undefined) this.#peers.delete(from)
      for (const socket of [inner, outer]) {
        this.#open.delete(socket)
        socket.destroy()
      }
    }
    for (const socket of [inner, outer]) {
      this.#open.add(socket)
      socket.once('error', end).once('close', end)
    }
    inner.once('connect', () => {
      from = inner.localPort!
      this.#peers.set(from, peerOf(outer))
      outer.pipe(inner)
      inner.pipe(outer)
    })
  }
}

const secure = ({ cert, key }: TlsIdentity) => ({ cert, key, minVersion: 'TLSv1.2' as const })

function peerOf(socket: TLSSocket): Peer {
  const ders = certificatesOf(socket)
  let certificate: ClientCertificate | string | null | undefined
  return {
    address: socket.remoteAddress ?? null,
    certificate: () => (certificate ??= ders.length === 0 ? null : ClientCertificate.read(ders)),
  }
}

/** That of the client first, then what it sent with it. */
function certificatesOf(socket: TLSSocket): Buffer[] {
  const found: Buffer[] = []
  let one = socket.getPeerCertificate(true)
  while (one?.raw && found.length <= MOST_INTERMEDIATES + 1 && !found.some((der) => der.equals(one.raw))) {
    found.push(Buffer.from(one.raw))
    one = one.issuerCertificate
  }
  return found
}
