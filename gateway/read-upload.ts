/**
 * Reads a body that may be large, a form or one that is not looked into, and keeps it for the
 * upstream.
 */
import { bodyTooSlow, tooLarge } from '../contract/errors.ts'
import { leftWhileReading, requireEnd, type BodyReading } from './body-reading.ts'
import type { Upload } from './uploads.ts'

/** `onPiece` sees each piece as it comes, and may throw. Throws 408, 413, 503. */
export async function readUpload(
  { world, request, headers, deadline, uploads, memory, limits }: BodyReading,
  most_bytes: number,
  onPiece: (piece: Uint8Array) => void,
): Promise<Upload> {
  const upload = uploads.begin()
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body!.getReader()
  const began = world.steady()
  let isLate = false
  const giveUp = () => {
    isLate = true
    void reader.cancel().catch(() => {})
  }
  try {
    for (;;) {
      const left = limits.upload_milliseconds - (world.steady() - began)
      if (left <= 0) giveUp()
      deadline.set(Math.min(limits.idle_milliseconds, left), giveUp)
      const { done, value } = await reader.read().catch(leftWhileReading)
      if (isLate) throw bodyTooSlow()
      if (done) break
      if (upload.size + value.length > most_bytes) throw tooLarge(most_bytes)
      memory.grow(value.length)
      onPiece(value)
      await upload.add(value)
      if (upload.isInFile) memory.release()
    }
    if (headers['content-length'] === undefined) await requireEnd(request)
  } catch (error) {
    upload.close()
    void reader.cancel().catch(() => {})
    throw error
  }
  return upload
}
