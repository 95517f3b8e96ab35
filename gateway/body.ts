/** Reads the body of a model request, and finds what the gateway must know of it. */
import { bodyTooSlow, invalid, tooLarge, unsupportedMediaType } from '../contract/errors.ts'
import type { BodyReservation } from '../http/body-budget.ts'
import { ClientLeft } from '../http/respond.ts'
import type { Deadline } from './deadlines.ts'
import type { RequestHeaders } from './headers.ts'
import { hasBody } from './request-methods.ts'
import { FormBody, JsonBody, noBody, type ModelBody } from './model-body.ts'
import { boundaryOf, FormScan } from './scan-form.ts'
import { scanJson, type ScanNames } from './scan-json.ts'
import type { Uploads } from './uploads.ts'
import type { World } from '../world/world.ts'

export interface Limits {
  /** Most bytes of a JSON body. */
  body_bytes: number
  /** Most bytes of a form. */
  upload_bytes: number
  /** How long a JSON body may take to arrive. */
  body_milliseconds: number
  /** How long a form may take to arrive. */
  upload_milliseconds: number
  /** How long a form may be silent meanwhile. */
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
  deadline: Deadline
  uploads: Uploads
  /** Where what is held in memory is counted; given back at the end of the request. */
  memory: BodyReservation
  limits: Limits
  names: ScanNames
}

const JSON_TYPE = 'application/json'
/**
 * A body whose length is announced and not above this is counted at once and read by Bun, which
 * costs less than a stream.
 */
const SMALL = 64 * 1024

/** Reads the body, and the model in it. Throws 400, 408, 413, 415, 503. */
export function readModelBody(reading: BodyReading): ModelBody | Promise<ModelBody> {
  const { request, headers, limits } = reading
  const announced = headers['content-length'] ?? null
  if (!hasBody(request.method) || announced === '0') return noBody
  // Asked last, because reading `request.body` makes a stream, which costs more than everything
  // else here.
  if (announced === null && request.body === null) return noBody
  if (headers.trailer !== undefined)
    throw invalid('Trailers behind the body of a request are not supported.', null, null)
  const encoding = headers['content-encoding']
  const type = headers['content-type'] ?? ''
  const kind = type === JSON_TYPE ? type : type.split(';', 1)[0]!.trim().toLowerCase()
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw unsupportedMediaType(`${kind}, ${encoding}`.slice(0, 100))
  if (kind === 'multipart/form-data') {
    if (Number(announced) > limits.upload_bytes) throw tooLarge(limits.upload_bytes)
    return request.body === null ? noBody : readForm(reading, request.body, boundaryOf(type))
  }
  if (kind !== JSON_TYPE) throw unsupportedMediaType(kind.slice(0, 100))
  if (Number(announced) > limits.body_bytes) throw tooLarge(limits.body_bytes)
  return readJson(reading, announced === null ? null : Number(announced))
}

function readJson(reading: BodyReading, announced: number | null): Promise<ModelBody> {
  const { request, deadline, memory, limits, names } = reading
  const isSmall = announced !== null && announced <= SMALL
  if (isSmall) memory.grow(announced)
  const read = async () => {
    const bytes = isSmall ? await request.bytes().catch(leftWhileReading) : await readAll(reading)
    if (announced === null) await requireEnd(request)
    return bytes.length === 0 ? noBody : new JsonBody(bytes, scanJson(bytes, names))
  }
  return new Promise((resolve, reject) => {
    deadline.set(limits.body_milliseconds, () => reject(bodyTooSlow()))
    read().then(resolve, reject)
  })
}

async function readAll({ request, limits, memory }: BodyReading) {
  const reader = request.body!.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(leftWhileReading)
      if (done) break
      size += value.length
      if (size > limits.body_bytes) throw tooLarge(limits.body_bytes)
      memory.grow(value.length)
      chunks.push(value)
    }
  } catch (error) {
    void reader.cancel().catch(() => {})
    throw error
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/**
 * Bun says that a chunked body has ended before it has read what stands behind the last chunk.
 * Where that is not the end of the message, such as trailers, it answers a 400 by itself and aborts
 * the request: nothing may be forwarded then.
 */
async function requireEnd(request: Request) {
  await new Promise((resolve) => setImmediate(resolve))
  if (request.signal.aborted) throw new ClientLeft('before the end of its body')
}

/**
 * A body cannot be read to its end where the client closed the connection, or broke the framing of
 * HTTP.
 */
const leftWhileReading = (error: unknown): never => {
  throw new ClientLeft('while its body was being read', { cause: error })
}

async function readForm(
  { world, request, headers, deadline, uploads, memory, limits, names }: BodyReading,
  form: ReadableStream<Uint8Array>,
  boundary: string,
): Promise<ModelBody> {
  const scan = new FormScan(boundary, names.fields)
  const upload = uploads.begin()
  const reader = form.getReader()
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
      if (upload.size + value.length > limits.upload_bytes) throw tooLarge(limits.upload_bytes)
      memory.grow(value.length)
      scan.feed(value)
      await upload.add(value)
      if (upload.isInFile) memory.release()
    }
    if (headers['content-length'] === undefined) await requireEnd(request)
  } catch (error) {
    upload.close()
    void reader.cancel().catch(() => {})
    throw error
  }
  return new FormBody(upload, scan.fields)
}
