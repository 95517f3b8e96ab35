/**
 * The frames of a WebSocket to an upstream (RFC 6455, 5). We are its client: what we send is
 * masked, what it sends is not. Without extensions.
 */
import { isUtf8 } from 'node:buffer'

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10
const CONTINUATION = 0

/** What comes of the frames: messages that are whole, and control frames. */
export type Incoming =
  | { kind: 'message'; isText: boolean; bytes: Buffer }
  | { kind: 'ping' | 'pong'; bytes: Buffer }
  | { kind: 'close'; code: number | null; reason: string }

/** The upstream does not keep to the protocol, or sends more than we take. */
export class BrokenFrames extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** `mask` are four unpredictable bytes. */
export function encodeFrame(opcode: number, payload: Buffer, mask: Uint8Array): Buffer {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = Buffer.allocUnsafe(2 + extended + 4 + length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) frame.writeUInt16BE(length, 2)
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2)
  const start = 2 + extended + 4
  frame.set(mask, start - 4)
  for (let n = 0; n < length; n++) frame[start + n] = payload[n]! ^ mask[n & 3]!
  return frame
}

export function closePayload(code: number | null, reason: string): Buffer {
  if (code === null) return Buffer.alloc(0)
  const text = Buffer.from(reason).subarray(0, 123)
  const payload = Buffer.alloc(2 + text.length)
  payload.writeUInt16BE(code)
  text.copy(payload, 2)
  return payload
}

/** The codes that may stand in a close frame. */
export const isCloseCode = (code: number) =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)

export class FrameReader {
  readonly #most: number
  #pieces: Buffer[] = []
  #length = 0
  /** Of a message whose last frame has not come. */
  #parts: Buffer[] = []
  #partsLength = 0
  #opcode: number | null = null

  /** `most` is the size of the largest message that is taken. */
  constructor(most: number) {
    this.#most = most
  }

  /** Throws BrokenFrames. */
  *read(piece: Buffer): Generator<Incoming> {
    this.#pieces.push(piece)
    this.#length += piece.length
    for (;;) {
      const head = this.#head()
      if (!head || this.#length < head.size + head.length) return
      const bytes = this.#take(head.size + head.length).subarray(head.size)
      const incoming = this.#frame(head.opcode, head.isLast, bytes)
      if (incoming) yield incoming
    }
  }

  /** Null as long as it is not whole. */
  #head() {
    if (this.#length < 2) return null
    const bytes = this.#peek(Math.min(10, this.#length))
    const opcode = bytes[0]! & 0x0f
    const isLast = (bytes[0]! & 0x80) !== 0
    const short = bytes[1]! & 0x7f
    if ((bytes[0]! & 0x70) !== 0) throw new BrokenFrames(1002, 'a frame with reserved bits')
    if ((bytes[1]! & 0x80) !== 0) throw new BrokenFrames(1002, 'a masked frame of a server')
    if (opcode >= CLOSE && (!isLast || short > 125)) throw new BrokenFrames(1002, 'a control frame that is none')
    const size = short < 126 ? 2 : short === 126 ? 4 : 10
    if (bytes.length < size) return null
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
    if (length + this.#partsLength > this.#most) throw new BrokenFrames(1009, `a message above ${this.#most} bytes`)
    return { opcode, isLast, size, length }
  }

  #frame(opcode: number, isLast: boolean, bytes: Buffer): Incoming | null {
    if (opcode === PING || opcode === PONG) return { kind: opcode === PING ? 'ping' : 'pong', bytes }
    if (opcode === CLOSE) return closeIn(bytes)
    const isFirst = opcode === TEXT || opcode === BINARY
    if (!isFirst && opcode !== CONTINUATION) throw new BrokenFrames(1002, 'a frame of an unknown kind')
    if (isFirst !== (this.#opcode === null)) throw new BrokenFrames(1002, 'a frame out of its order')
    if (isFirst) this.#opcode = opcode
    this.#parts.push(bytes)
    this.#partsLength += bytes.length
    if (!isLast) return null
    const whole = this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts)
    const isText = this.#opcode === TEXT
    this.#opcode = null
    this.#parts = []
    this.#partsLength = 0
    if (isText && !isUtf8(whole)) throw new BrokenFrames(1007, 'a text that is not UTF-8')
    return { kind: 'message', isText, bytes: whole }
  }

  #peek(size: number): Buffer {
    if (this.#pieces[0]!.length >= size) return this.#pieces[0]!.subarray(0, size)
    return this.#joined().subarray(0, size)
  }

  #take(size: number): Buffer {
    const all = this.#pieces[0]!.length >= size ? this.#pieces[0]! : this.#joined()
    this.#length -= size
    if (all.length === size) this.#pieces.shift()
    else this.#pieces[0] = all.subarray(size)
    return all.subarray(0, size)
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#pieces)
    this.#pieces = [all]
    return all
  }
}

function closeIn(bytes: Buffer): Incoming {
  if (bytes.length === 0) return { kind: 'close', code: null, reason: '' }
  const code = bytes.length === 1 ? 0 : bytes.readUInt16BE(0)
  const reason = bytes.subarray(2)
  if (!isCloseCode(code) || !isUtf8(reason)) throw new BrokenFrames(1002, 'a close frame that is none')
  return { kind: 'close', code, reason: reason.toString() }
}
