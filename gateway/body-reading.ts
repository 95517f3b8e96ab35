/**
 * What the readers of bodies share: the limits, what they must know, and how a body can end early.
 */
import type { BodyReservation } from '../http/body-budget.ts'
import { ClientLeft } from '../http/respond.ts'
import type { World } from '../world/world.ts'
import type { Deadline } from './deadlines.ts'
import type { RequestHeaders } from './headers.ts'
import type { ScanNames } from './scan-json.ts'
import type { Target } from './target.ts'
import type { Uploads } from './uploads.ts'

export interface Limits {
  /** Most bytes of a JSON body, also when it is decompressed. */
  body_bytes: number
  /** Most bytes of a form, and of a body that is not read. */
  upload_bytes: number
  /** How long a JSON body may take to arrive. */
  body_milliseconds: number
  /** How long a form, or a body that is not read, may take to arrive. */
  upload_milliseconds: number
  /** How long it may be silent meanwhile. */
  idle_milliseconds: number
}

export const defaultLimits: Limits = {
  body_bytes: 32 * 1024 * 1024,
  upload_bytes: 512 * 1024 * 1024,
  body_milliseconds: 120_000,
  upload_milliseconds: 900_000,
  idle_milliseconds: 60_000,
}

/** What reading a body needs to know. */
export interface BodyReading {
  world: World
  request: Request
  headers: RequestHeaders
  target: Target
  deadline: Deadline
  uploads: Uploads
  /** Where what is held in memory is counted; given back at the end of the request. */
  memory: BodyReservation
  limits: Limits
  names: ScanNames
}

/**
 * Bun says that a chunked body has ended before it has read what stands behind the last chunk.
 * Where that is not the end of the message, such as trailers, it answers a 400 by itself and aborts
 * the request: nothing may be forwarded then.
 */
export async function requireEnd(request: Request) {
  await new Promise((resolve) => setImmediate(resolve))
  if (request.signal.aborted) throw new ClientLeft('before the end of its body')
}

/**
 * A body cannot be read to its end where the client closed the connection, or broke the framing of
 * HTTP.
 */
export const leftWhileReading = (error: unknown): never => {
  throw new ClientLeft('while its body was being read', { cause: error })
}
