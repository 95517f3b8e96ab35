/**
 * Passes an upstream's stream on as it comes, no faster than the client takes it. A break between
 * two events ends the stream with an error event, as OpenAI does. In the middle of an event, and in
 * anything that is not an event stream, a break cuts the connection, because the client must not
 * take half an answer for a whole one.
 */
import { badUpstream, upstreamTimeout, type ApiError } from '../contract/errors.ts'
import type { ForwardedLine } from '../http/request-line.ts'
import type { Deadline } from './deadlines.ts'
import { endsEvent, EventFilter, START, tailOf } from './event-filter.ts'
import type { Reservations } from './policies/reservations.ts'

type Ended = NonNullable<ForwardedLine['ended']>

/** Streams whose clients have left are read on, so that what they use is counted. */
export interface Drain {
  /** For how long; 0 for not at all. */
  milliseconds: number
  /** Each ends one of those that are being read. */
  open: Set<() => void>
}

export interface Relaying {
  /** For both sides: an upstream that is silent, a client that does not read. */
  idle_milliseconds: number
  deadline: Deadline
  /** Ends the call to the upstream. */
  abort: () => void
  onEnd: (ended: Ended) => void
  isEvents: boolean
  /** The event that ends a stream with an error. */
  errorEvent?: (error: ApiError) => string
  /** For an upstream that is read on when the client has left. */
  drain?: Drain
  /** What policies see of the answer. */
  reservations: Reservations
}

/**
 * How long an event may take to end when the key has died in the middle of it, in ticks of the
 * deadlines.
 */
const TICKS_TO_END_AN_EVENT = 4

export class StreamRelay {
  readonly #relaying: Relaying
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #filter: EventFilter | null
  readonly #seesPieces: boolean
  /** Null where nobody would count what comes. */
  readonly #drain: Drain | null
  #client: ReadableStreamDirectController | null = null
  /** The end of what was written, by which one sees whether an event has ended. */
  #tail = START
  #isOpen = true
  #isBlocked = false
  #revoked: ApiError | null = null
  /** The client has left, and the upstream is read on. */
  #isDraining = false
  readonly #left = Promise.withResolvers<void>()

  constructor(source: ReadableStream<Uint8Array>, relaying: Relaying) {
    const { isEvents, reservations } = relaying
    this.#relaying = relaying
    this.#reader = source.getReader()
    this.#filter = isEvents && reservations.seesEvents ? openFilter(reservations) : null
    this.#seesPieces = !isEvents && reservations.seesPieces
    const { drain } = relaying
    this.#drain = drain && drain.milliseconds > 0 && (this.#filter || this.#seesPieces) ? drain : null
  }

  /**
   * A stream of Bun's own kind, `direct`: pulled once, it writes to the connection itself. The
   * standard kind costs several promises more for each piece.
   */
  get stream(): ReadableStream<Uint8Array> {
    const direct: Bun.DirectUnderlyingSource<Uint8Array> = {
      type: 'direct',
      pull: (client) => this.#pull(client),
      cancel: () => this.#clientLeft(),
    }
    // The standard's types, which stand beside Bun's, do not know that kind.
    return new ReadableStream(direct as unknown as UnderlyingDefaultSource<Uint8Array>)
  }

  /**
   * The key died, or the server stops: ends the stream with this error, after the event that is
   * under way.
   */
  revoke(error: ApiError) {
    if (!this.#isOpen) return
    const { isEvents, abort, deadline } = this.#relaying
    this.#revoked = error
    if (this.#isBlocked) return this.#cut(deadline.whyEnded, error)
    if (!isEvents || endsEvent(this.#tail)) return abort()
    let ticks = TICKS_TO_END_AN_EVENT
    deadline.onTick = () => {
      if (--ticks <= 0) abort()
    }
  }

  async #pull(client: ReadableStreamDirectController) {
    const { idle_milliseconds, deadline, isEvents } = this.#relaying
    this.#client = client
    if (isEvents) deadline.onQuiet = () => this.#breakSilence(client)
    try {
      for (;;) {
        if (!this.#isDraining) deadline.set(idle_milliseconds, this.#onDeadline)
        const { done, value } = await this.#reader.read()
        if (!this.#isOpen) return
        if (done) break
        const blocked = this.#write(client, value)
        if (blocked) await blocked
        if (!this.#isOpen) return
        if (this.#revoked && endsEvent(this.#tail)) throw this.#revoked
      }
      const rest = this.#filter?.end()
      if (rest && !this.#isDraining) void client.write(rest)
      this.#end(this.#isDraining ? 'client left' : 'whole')
    } catch (error) {
      if (!this.#isOpen) return
      this.#break(client, error as Error)
    }
    if (!this.#isDraining) client.close()
  }

  /**
   * Answers a promise only where the connection takes no more for now: awaiting each piece would
   * cost.
   */
  #write(client: ReadableStreamDirectController, value: Uint8Array): Promise<void> | undefined {
    const { isEvents, reservations } = this.#relaying
    if (this.#seesPieces) reservations.piece(value)
    const bytes = this.#filter ? this.#filter.take(value) : value
    if (bytes.length === 0 || this.#isDraining) return
    if (isEvents) this.#tail = tailOf(this.#tail, bytes)
    const taken: unknown = client.write(bytes)
    void client.flush()
    return taken instanceof Promise ? this.#blocked(taken) : undefined
  }

  /** A comment, which clients skip; it must not stand inside an event. */
  #breakSilence(client: ReadableStreamDirectController) {
    if (!this.#isOpen || this.#isDraining || this.#isBlocked || !endsEvent(this.#tail)) return
    void client.write(COMMENT)
    void client.flush()
  }

  async #blocked(taken: Promise<unknown>) {
    const { idle_milliseconds, deadline } = this.#relaying
    deadline.set(idle_milliseconds, () =>
      deadline.expired ? this.#cut('client left', new Error('the client does not read')) : this.#clientLeft(),
    )
    this.#isBlocked = true
    // A client that has left takes nothing any more.
    await (this.#drain ? Promise.race([taken, this.#left.promise]) : taken)
    this.#isBlocked = false
  }

  #break(client: ReadableStreamDirectController, error: Error) {
    const { isEvents, deadline, abort, errorEvent = errorEventOf } = this.#relaying
    if (this.#isDraining) return this.#leave('client left')
    const stalled = deadline.expired
    const revoked = this.#revoked
    this.#end(revoked ? deadline.whyEnded : stalled ? 'upstream stalled' : 'upstream broke off')
    abort()
    if (!isEvents || !endsEvent(this.#tail)) return client.close(error)
    void client.write(errorEvent(revoked ?? (stalled ? upstreamTimeout() : badUpstream())))
  }

  readonly #onDeadline = () => {
    if (this.#relaying.deadline.expired) this.#relaying.abort()
    else this.#clientLeft()
  }

  /** What the upstream still says is only counted, if it may go on. */
  #clientLeft() {
    const { deadline, abort } = this.#relaying
    if (!this.#isOpen || this.#isDraining) return
    if (!this.#drain) return this.#leave('client left')
    this.#isDraining = true
    deadline.ignoresClient = true
    deadline.set(this.#drain.milliseconds, abort)
    this.#drain.open.add(abort)
    this.#left.resolve()
  }

  #cut(ended: Ended, error: Error) {
    this.#leave(ended)
    this.#client?.close(error)
  }

  #leave(ended: Ended) {
    this.#end(ended)
    this.#relaying.abort()
  }

  #end(ended: Ended) {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#drain?.open.delete(this.#relaying.abort)
    this.#relaying.onEnd(ended)
  }
}

const openFilter = (reservations: Reservations) =>
  new EventFilter(
    (event) => reservations.event(event),
    (part) => reservations.piece(part),
    reservations.skimsEvents
      ? {
          next: (events, from) => reservations.nextEvent(events, from),
          onEvents: (events) => reservations.events(events),
        }
      : null,
  )

const COMMENT = new TextEncoder().encode(': keep-alive\n\n')

/** As OpenAI ends a stream. */
const errorEventOf = (error: ApiError) => `data: ${JSON.stringify(error.body)}\n\n`
