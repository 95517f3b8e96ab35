/**
 * Reads a request's body into memory, within bounds of size and time, and counts it in the body
 * budget as it arrives.
 */
import { bodyTooSlow, tooLarge } from '../contract/errors.ts'
import { ClientLeft } from './respond.ts'
import type { BodyReservation } from './body-budget.ts'

interface ReadOptions {
  most_bytes: number
  most_milliseconds: number
  reservation: BodyReservation
}

/**
 * The whole body. Throws 413, 408, and what the budget throws, as soon as it is known, whatever the
 * Content-Length says. Throws ClientLeft when the connection ends before the body does.
 */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  { most_bytes, most_milliseconds, reservation }: ReadOptions,
): Promise<Buffer> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void reader.cancel().catch(() => {})
  }, most_milliseconds)
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw isLate ? bodyTooSlow() : new ClientLeft('while its body was being read', { cause: error })
      })
      if (isLate) throw bodyTooSlow()
      if (done) return Buffer.concat(chunks, size)
      size += value.length
      if (size > most_bytes) throw tooLarge(most_bytes)
      reservation.grow(value.length)
      chunks.push(value)
    }
  } catch (error) {
    void reader.cancel().catch(() => {})
    throw error
  } finally {
    clearTimeout(timer)
  }
}
