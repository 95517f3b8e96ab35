/**
 * Server-sent events in a stream of bytes: where one ends, and which of them go on to the client.
 */

const EMPTY_LINE = 0x0a0a
const NEWLINE = 0x0a
const RETURN = 0x0d
/** Most bytes of an event that wait for its end. A longer one passes unseen. */
const LONGEST_EVENT = 64 * 1024
const NOTHING = new Uint8Array()

/** The tail at the beginning of a stream, where an event may begin. */
export const START = EMPTY_LINE

/**
 * The last three bytes of a stream as a number, after one more piece: the empty line of an event
 * may come in two.
 */
export function tailOf(tail: number, piece: Uint8Array): number {
  for (let at = Math.max(0, piece.length - 3); at < piece.length; at++) tail = ((tail << 8) | piece[at]!) & 0xffffff
  return tail
}

export const endsEvent = (tail: number) => (tail & 0xffff) === EMPTY_LINE || tail === 0x0a0d0a

/** For a reader that need not see each event by itself. */
export interface Skim {
  /**
   * Where, from there on, the next byte is whose event must be looked at; negative where none is.
   */
  next: (events: Uint8Array, from: number) => number
  /** Gets events that need not be looked at, several at a time. They go on. */
  onEvents: (events: Uint8Array) => void
}

/**
 * Cuts a stream into its events. Only whole ones go on, so that each is looked at before the client
 * sees it.
 */
export class EventFilter {
  readonly #passes: (event: Uint8Array) => boolean
  readonly #onPart: (part: Uint8Array) => void
  readonly #skim: Skim | null
  /** The beginning of an event that has not ended. */
  #rest: Uint8Array = NOTHING
  /** In the middle of an event that was too long to be held. */
  #isUnseen = false

  /**
   * `passes` says whether an event, with its empty line, goes on. `onPart` gets the parts of those
   * that are too long to be held; they go on. With `skim` only those events are looked at that it
   * names.
   */
  constructor(
    passes: (event: Uint8Array) => boolean,
    onPart: (part: Uint8Array) => void = () => {},
    skim: Skim | null = null,
  ) {
    this.#passes = passes
    this.#onPart = onPart
    this.#skim = skim
  }

  /** The bytes to pass on, now that this piece has arrived. */
  take(piece: Uint8Array): Uint8Array {
    // Most pieces are one whole event that nobody must look at.
    if (this.#isWhole(piece) && this.#skim!.next(piece, 0) < 0) {
      this.#skim!.onEvents(piece)
      return piece
    }
    const held = this.#rest.length
    const bytes = held === 0 ? piece : Buffer.concat([this.#rest, piece])
    const going: Uint8Array[] = []
    let start = 0
    // The end of an event can begin in the last three bytes of what was looked at before.
    const end = this.#isUnseen ? endOfEvent(bytes, Math.max(0, held - 3)) : -1
    if (end >= 0) {
      start = end
      this.#isUnseen = false
      this.#onPart(bytes.subarray(0, end))
      going.push(bytes.subarray(0, end))
    }
    if (!this.#isUnseen) {
      const last = lastEnd(bytes, Math.max(start, held), bytes.length)
      if (last > 0) this.#look(bytes, start, last, going)
      start = Math.max(start, last)
    }
    this.#hold(bytes.subarray(start), going)
    return going.length === 1 ? going[0]! : Buffer.concat(going)
  }

  /** Whether this piece is whole events alone, which need not be looked at one by one. */
  #isWhole(piece: Uint8Array) {
    if (this.#skim === null || this.#rest.length > 0 || this.#isUnseen) return false
    return piece.length > 2 && endsEvent(tailOf(0, piece))
  }

  /** Looks at the whole events that stand between these places. */
  #look(bytes: Uint8Array, start: number, end: number, going: Uint8Array[]) {
    let kept = start
    let from = start
    while (from < end) {
      const at = this.#skim ? this.#skim.next(bytes, from) : from
      if (at < 0 || at >= end) break
      const begin = Math.max(from, lastEnd(bytes, from, at))
      const close = endOfEvent(bytes, at)
      if (begin > from) this.#skim?.onEvents(bytes.subarray(from, begin))
      if (!this.#passes(bytes.subarray(begin, close))) {
        if (begin > kept) going.push(bytes.subarray(kept, begin))
        kept = close
      }
      from = close
    }
    if (end > from) this.#skim?.onEvents(bytes.subarray(from, end))
    if (end > kept) going.push(bytes.subarray(kept, end))
  }

  /** Keeps the beginning of an event until its end comes, if it is not too long. */
  #hold(rest: Uint8Array, going: Uint8Array[]) {
    if (this.#isUnseen || rest.length > LONGEST_EVENT) {
      // Three bytes stay, so that an empty line that comes in two is seen.
      const part = rest.subarray(0, Math.max(0, rest.length - 3))
      this.#onPart(part)
      going.push(part)
      rest = rest.subarray(part.length)
      this.#isUnseen = true
    }
    // Copied, because the piece may be used again when the next one comes.
    this.#rest = rest.length === 0 ? NOTHING : new Uint8Array(rest)
  }

  /** At the end of the stream: what no empty line has ended is an event too. */
  end(): Uint8Array | null {
    if (this.#rest.length === 0) return null
    if (this.#isUnseen) this.#onPart(this.#rest)
    return this.#isUnseen || this.#passes(this.#rest) ? this.#rest : null
  }
}

/** The index behind the next empty line; negative where there is none yet. */
export function endOfEvent(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(NEWLINE, from); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (bytes[at + 1] === NEWLINE) return at + 2
    if (bytes[at + 1] === RETURN && bytes[at + 2] === NEWLINE) return at + 3
  }
  return -1
}

/**
 * The index behind the last empty line that ends between these places, 0 where none does; it may
 * begin before.
 */
function lastEnd(bytes: Uint8Array, from: number, to: number): number {
  if (to <= from) return 0
  for (let at = bytes.lastIndexOf(NEWLINE, to - 1); at >= from && at > 0; at = bytes.lastIndexOf(NEWLINE, at - 1))
    if (bytes[at - 1] === NEWLINE || (bytes[at - 1] === RETURN && bytes[at - 2] === NEWLINE)) return at + 1
  return 0
}
