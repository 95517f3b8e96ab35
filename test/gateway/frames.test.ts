/** The frames of WebSockets, however they are cut on the way. */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { BrokenFrames, encodeFrame, FrameReader, type Incoming } from '../../gateway/sockets/frames.ts'
import { runs } from '../runs.ts'

/** A frame of a server, which is not masked. */
function served(opcode: number, isLast: boolean, payload: Buffer): Buffer {
  const head = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode, ...head]), payload])
}

function readAll(bytes: Buffer, cuts: readonly number[], most = 1_000_000): Incoming[] {
  const reader = new FrameReader(most)
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((one, other) => one - other)
  const all: Incoming[] = []
  let from = 0
  for (const to of [...ends, bytes.length]) {
    if (to > from) all.push(...reader.read(bytes.subarray(from, to)))
    from = to
  }
  return all
}

const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const cuts = fc.array(fc.nat(5_000), { maxLength: 20 })

test('messages come out as they went in, in parts and with pings between, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(payload, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
      cuts,
      (messages, cuts) => {
        const bytes = messages.flatMap((parts) =>
          parts.flatMap((part, n) => [
            served(n === 0 ? 2 : 0, n === parts.length - 1, part),
            ...(n === 0 ? [served(9, true, Buffer.from('p'))] : []),
          ]),
        )
        const read = readAll(Buffer.concat(bytes), cuts)
        const whole = read.flatMap((one) => (one.kind === 'message' ? [one.bytes.toString('hex')] : []))
        expect(whole).toEqual(messages.map((parts) => Buffer.concat(parts).toString('hex')))
        expect(read.filter(({ kind }) => kind === 'ping')).toHaveLength(messages.length)
      },
    ),
    runs(200),
  )
})

test('any bytes are frames or are refused, and never more is kept than the largest message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), cuts, (bytes, cuts) => {
      try {
        for (const one of readAll(Buffer.from(bytes), cuts, 500))
          if (one.kind === 'message') expect(one.bytes.length).toBeLessThanOrEqual(500)
      } catch (error) {
        if (!(error instanceof BrokenFrames)) throw error
      }
    }),
    runs(500),
  )
})

test('what we send is masked, and any length is written as the protocol has it', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 200_000]) {
    const mask = Buffer.from([1, 2, 3, 4])
    const frame = encodeFrame(2, Buffer.alloc(length, 7), mask)
    const size = length < 126 ? 2 : length < 65_536 ? 4 : 10
    expect(frame[1]! & 0x80).toBe(0x80)
    expect(frame.subarray(size, size + 4)).toEqual(mask)
    expect(frame.length).toBe(size + 4 + length)
    expect(frame.subarray(size + 4).every((byte, n) => (byte ^ mask[n & 3]!) === 7)).toBe(true)
  }
})
