/** Reads the body of a model request, and finds what the gateway must know of it. */
import { bodyTooSlow, invalid, tooLarge, unsupportedMediaType } from '../contract/errors.ts'
import { unsupportedEncoding } from '../contract/gateway-errors.ts'
import { leftWhileReading, requireEnd, type BodyReading } from './body-reading.ts'
import { decompressed, encodingOf, type Encoding } from './decompress.ts'
import { FormBody, JSON_TYPE, JsonBody, noBody, UnreadBody, type ModelBody } from './model-body.ts'
import { readUpload } from './read-upload.ts'
import { hasBody } from './request-methods.ts'
import { boundaryOf, FormScan } from './scan-form.ts'
import { scanJson } from './scan-json.ts'
import { modelInQuery, unreadBodyOf } from './unread-bodies.ts'

/**
 * What clients send JSON with that say nothing of its type: none, what some say of any text, and
 * what `curl --data` says by itself.
 */
const untyped = new Set(['', 'text/plain', 'application/x-www-form-urlencoded'])
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
  const encoding = encodingOf(headers['content-encoding'])
  const type = headers['content-type'] ?? ''
  const kind = type === JSON_TYPE ? type : type.split(';', 1)[0]!.trim().toLowerCase()
  if (kind !== JSON_TYPE) {
    const upload = uploadOf(reading, kind, type)
    if (upload) {
      // Files are compressed already. What they would become is only known when they are read.
      if (encoding !== null) throw unsupportedEncoding(`${encoding} of ${kind.slice(0, 100)}`)
      if (Number(announced) > upload.most_bytes) throw tooLarge(upload.most_bytes)
      return request.body === null ? noBody : upload.read()
    }
    if (!untyped.has(kind)) throw unsupportedMediaType(kind.slice(0, 100))
  }
  if (Number(announced) > limits.body_bytes) throw tooLarge(limits.body_bytes)
  return readJson(reading, announced === null ? null : Number(announced), kind, encoding)
}

/** A form, or a body that is not looked into; null for others. */
function uploadOf(reading: BodyReading, kind: string, type: string) {
  const { limits, target, names } = reading
  if (kind === 'multipart/form-data') {
    const most_bytes = limits.upload_bytes
    const read = async () => {
      const scan = new FormScan(boundaryOf(type), names.fields)
      const upload = await readUpload(reading, most_bytes, (piece) => scan.feed(piece))
      return new FormBody(upload, scan.fields)
    }
    return { most_bytes, read }
  }
  const unread = unreadBodyOf(target, kind)
  if (!unread) return null
  const most_bytes = Math.min(unread.most_bytes ?? Infinity, limits.upload_bytes)
  const model = modelInQuery(target.search)
  return { most_bytes, read: async () => new UnreadBody(await readUpload(reading, most_bytes, () => {}), model) }
}

function readJson(reading: BodyReading, announced: number | null, kind: string, encoding: Encoding | null) {
  const { request, deadline, memory, limits, names } = reading
  const isSmall = announced !== null && announced <= SMALL
  if (isSmall) memory.grow(announced)
  const read = async () => {
    const sent = isSmall ? await request.bytes().catch(leftWhileReading) : await readAll(reading)
    if (announced === null) await requireEnd(request)
    if (sent.length === 0) return noBody
    const bytes = encoding === null ? sent : await decompressed(sent, encoding, limits.body_bytes, memory)
    if (kind !== JSON_TYPE && !beginsObject(bytes)) throw unsupportedMediaType(kind)
    return bytes.length === 0 ? noBody : new JsonBody(bytes, scanJson(bytes, names))
  }
  return new Promise<ModelBody>((resolve, reject) => {
    deadline.set(limits.body_milliseconds, () => reject(bodyTooSlow()))
    read().then(resolve, reject)
  })
}

/** Whether JSON is meant: an object, behind white space at most. */
function beginsObject(bytes: Uint8Array): boolean {
  let at = 0
  while (bytes[at] === 0x20 || (bytes[at]! >= 0x09 && bytes[at]! <= 0x0d)) at++
  return bytes[at] === 0x7b
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
