/**
 * Decompresses the body of a request. What comes out is counted while it comes, so that a small
 * body cannot become more memory than a large one may take.
 */
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { tooLarge } from '../contract/errors.ts'
import { malformedEncoding, unsupportedEncoding } from '../contract/gateway-errors.ts'
import type { BodyReservation } from '../http/body-budget.ts'
import { windowOf } from './zstd-frames.ts'

export type Encoding = 'gzip' | 'zstd'

/** What a decoder of gzip holds beside what it reads and writes. */
const GZIP_WINDOW = 64 * 1024
const PIECE = 64 * 1024

/** Null for a body as it is. Throws 415 for an encoding that is not known, and for several. */
export function encodingOf(header: string | undefined): Encoding | null {
  const name = header?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return null
  if (name === 'gzip' || name === 'x-gzip') return 'gzip'
  if (name === 'zstd') return name
  throw unsupportedEncoding(name.slice(0, 100))
}

/**
 * `memory` counts `bytes` already, and counts what comes out instead when this is done. Throws 413
 * above `most_bytes`, 400 for what is not whole, and what `memory` throws where there is no room.
 */
export async function decompressed(
  bytes: Uint8Array,
  encoding: Encoding,
  most_bytes: number,
  memory: BodyReservation,
): Promise<Uint8Array<ArrayBuffer>> {
  const window = encoding === 'gzip' ? GZIP_WINDOW : wholeWindowOf(bytes)
  memory.grow(window)
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of decoded(bytes, encoding)) {
    size += piece.length
    if (size > most_bytes) throw tooLarge(most_bytes)
    memory.grow(piece.length)
    pieces.push(piece)
  }
  memory.shrink(window + bytes.length)
  return new Uint8Array(Buffer.concat(pieces))
}

async function* decoded(bytes: Uint8Array, encoding: Encoding): AsyncGenerator<Uint8Array> {
  const options = { chunkSize: PIECE }
  const decoder = encoding === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  decoder.end(bytes)
  const pieces = decoder[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  try {
    for (;;) {
      const { done, value } = await pieces.next().catch((error: unknown) => {
        throw malformedEncoding(encoding, error)
      })
      if (done) return
      yield value
    }
  } finally {
    decoder.destroy()
  }
}

function wholeWindowOf(bytes: Uint8Array): number {
  try {
    return windowOf(bytes)
  } catch (error) {
    throw malformedEncoding('zstd', error)
  }
}
