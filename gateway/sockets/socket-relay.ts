/**
 * Passes the messages of a WebSocket on, both ways, no faster than the other side takes them, and
 * ends both sides together.
 */
import { ApiError, badUpstream, upstreamTimeout } from '../../contract/errors.ts'
import type { ForwardedLine } from '../../http/request-line.ts'
import type { BodyReservation } from '../../http/body-budget.ts'
import { newRequestId } from '../../world/random.ts'
import type { ModelRequest } from '../model-request.ts'
import { watchKey } from '../steps/authenticate.ts'
import type { OpenSocket } from './dial-upstream.ts'
import {
  BINARY,
  BrokenFrames,
  CLOSE,
  closePayload,
  encodeFrame,
  FrameReader,
  isCloseCode,
  PING,
  PONG,
  TEXT,
  type Incoming,
} from './frames.ts'
import { errorMessage } from './upgrade.ts'

/** The largest message that is taken, of either side. */
export const LONGEST_MESSAGE = 16 * 1024 * 1024
/** What each socket takes of the memory for bodies: it bounds how many one key can open. */
const BYTES_OF_A_SOCKET = 64 * 1024
/** A model server may be silent for long, but it must answer a ping. */
const SHORTEST_SILENCE = 40_000
/** For the close frame to reach an upstream. */
const CLOSED_WITHIN_MILLISECONDS = 2_000

type Ended = NonNullable<ForwardedLine['ended']>

/** What the listener does with the socket of a client. */
export interface ClientSocket {
  send: (message: string | Buffer) => number
  close: (code?: number, reason?: string) => void
  terminate: () => void
  pause: () => void
  resume: () => void
}

/** What the listener tells of the socket of a client. */
export interface SocketEnd {
  open: (client: ClientSocket) => void
  message: (message: string | Buffer) => void
  /** What was sent is on its way. */
  drain: () => void
  close: (code: number, reason: string) => void
}

export class SocketRelay implements SocketEnd {
  readonly #call: ModelRequest
  readonly #upstream: OpenSocket
  readonly #frames = new FrameReader(LONGEST_MESSAGE)
  readonly #onEnd: () => void
  readonly #silence: number
  /** Of the socket itself, and of the messages that wait for the upstream. */
  readonly #memory: BodyReservation
  readonly #queued: BodyReservation
  #client: ClientSocket | null = null
  #isOpen = true
  /** The client takes nothing at the moment, so the upstream is not read. */
  #isBlocked = false

  /** Throws 503 where there is no memory for one more. */
  constructor(call: ModelRequest, upstream: OpenSocket, idle_milliseconds: number, onEnd: () => void) {
    this.#call = call
    this.#upstream = upstream
    this.#onEnd = onEnd
    this.#silence = Math.max(idle_milliseconds, SHORTEST_SILENCE)
    this.#memory = call.gateway.bodies.open(call.caller.key_id)
    this.#queued = call.gateway.bodies.open(call.caller.key_id)
    this.#memory.grow(BYTES_OF_A_SOCKET)
  }

  open(client: ClientSocket) {
    const { deadline } = this.#call
    const { socket, first } = this.#upstream
    this.#client = client
    // The signal of a request says nothing once it has become a socket.
    deadline.ignoresClient = true
    deadline.onQuiet = () => this.#send(PING, Buffer.alloc(0))
    this.#awaitUpstream()
    watchKey(this.#call, (error) => this.#end(error, deadline.isStopped ? 1012 : 1008, deadline.whyEnded))
    socket.on('data', (piece: Buffer) => this.#read(piece))
    socket.on('drain', () => {
      this.#queued.release()
      this.#client?.resume()
    })
    socket.on('close', () => this.#end(badUpstream(), 1011, 'upstream broke off'))
    if (first.length > 0) this.#read(first)
    if (socket.destroyed) this.#end(badUpstream(), 1011, 'upstream broke off')
    else if (!this.#isBlocked) socket.resume()
  }

  /** The listener did not make it a socket. */
  abandon() {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#release()
    this.#upstream.socket.destroy()
  }

  message(message: string | Buffer) {
    if (!this.#isOpen) return
    const { gateway, caller } = this.#call
    const bytes = typeof message === 'string' ? Buffer.from(message) : message
    try {
      gateway.policies.message(caller, () => (typeof message === 'string' ? message : message.toString()))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#tell(error)
      return
    }
    try {
      this.#queued.grow(bytes.length)
    } catch (error) {
      return this.#end(error as ApiError, 1013, 'upstream stalled')
    }
    this.#call.reservations.clientMessage(bytes)
    if (this.#send(typeof message === 'string' ? TEXT : BINARY, bytes)) this.#queued.release()
    else this.#client!.pause()
  }

  drain() {
    if (!this.#isBlocked || !this.#isOpen) return
    this.#isBlocked = false
    this.#awaitUpstream()
    this.#upstream.socket.resume()
  }

  close(code: number, reason: string) {
    if (!this.#isOpen) return
    const hasLeft = code === 1006
    this.#closeUpstream(hasLeft ? 1001 : isCloseCode(code) ? code : null, reason)
    this.#finish(hasLeft ? 'client left' : 'whole')
  }

  #read(piece: Buffer) {
    if (!this.#isOpen) return
    if (!this.#isBlocked) this.#awaitUpstream()
    try {
      for (const incoming of this.#frames.read(piece)) {
        this.#take(incoming)
        if (!this.#isOpen) return
      }
    } catch (error) {
      if (!(error instanceof BrokenFrames)) throw error
      this.#call.exchange.line.cause = `the upstream sent ${error.message}`
      this.#closeUpstream(error.code, '')
      this.#end(badUpstream(), error.code === 1009 ? 1009 : 1011, 'upstream broke off')
    }
  }

  #take(incoming: Incoming) {
    if (incoming.kind === 'ping') return void this.#send(PONG, incoming.bytes)
    if (incoming.kind === 'close') return this.#closed(incoming.code, incoming.reason)
    if (incoming.kind !== 'message') return
    const { bytes, isText } = incoming
    this.#call.reservations.message(bytes)
    const sent = this.#client!.send(isText ? bytes.toString() : bytes)
    // An empty message is sent with 0 bytes.
    if (sent > 0 || bytes.length === 0) return
    if (sent === 0) return this.#leave()
    this.#isBlocked = true
    this.#upstream.socket.pause()
    this.#call.deadline.set(this.#silence, () => this.#leave())
  }

  #closed(code: number | null, reason: string) {
    this.#closeUpstream(code, '')
    this.#finish('whole')
    if (code === null) this.#client!.close()
    else this.#client!.close(code, reason)
  }

  /** Answers whether it could be written at once. */
  #send(opcode: number, bytes: Buffer): boolean {
    const { socket } = this.#upstream
    return socket.destroyed || socket.write(encodeFrame(opcode, bytes, this.#call.gateway.world.random(4)))
  }

  #awaitUpstream() {
    this.#call.deadline.set(this.#silence, () => this.#end(upstreamTimeout(), 1011, 'upstream stalled'))
  }

  /** The client takes nothing any more. */
  #leave() {
    if (!this.#isOpen) return
    this.#closeUpstream(1001, '')
    this.#finish('client left')
    this.#client!.terminate()
  }

  /** Ends both sides; the client is told why. */
  #end(error: ApiError, code: number, ended: Ended) {
    if (!this.#isOpen) return
    this.#closeUpstream(1001, '')
    this.#finish(ended)
    this.#tell(error)
    this.#client!.close(code, error.code ?? '')
  }

  #tell(error: ApiError) {
    this.#client!.send(errorMessage(error, newRequestId(this.#call.gateway.world).replace('req_', 'event_')))
  }

  #closeUpstream(code: number | null, reason: string) {
    const { socket } = this.#upstream
    if (socket.destroyed) return
    this.#send(CLOSE, closePayload(code, reason))
    socket.end()
    socket.resume()
    this.#call.gateway.world.later(CLOSED_WITHIN_MILLISECONDS, () => socket.destroy())
  }

  #finish(ended: Ended) {
    this.#isOpen = false
    this.#release()
    this.#onEnd()
    this.#call.finish(ended)
  }

  #release() {
    this.#memory.release()
    this.#queued.release()
  }
}
