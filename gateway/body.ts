/** The body of a model request: read as far as the gateway must know it, and passed on. */
import { bodyTooSlow, invalid, tooLarge, unsupportedMediaType, type ApiError } from '../contract/errors.ts'
import type { Given } from './headers.ts'
import { boundaryOf, FormScan } from './scan-form.ts'
import { modelIn } from './scan-json.ts'
import type { Waiting } from './watch.ts'

export interface Limits {
  /** Most bytes of a JSON body, and of a form that is held while the model is sought in it. */
  body_bytes: number
  /** Most bytes of a form, which is not held. */
  upload_bytes: number
  /** How long a JSON body may take to arrive. */
  body_milliseconds: number
}

export const usualLimits: Limits = {
  body_bytes: 32 * 1024 * 1024,
  upload_bytes: 512 * 1024 * 1024,
  body_milliseconds: 120_000,
}

export interface ModelBody {
  model: string | null
  /** Bytes can be sent again to another upstream, a stream cannot. */
  content: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null
  content_length: string | null
  /** Why a stream ended early, if it was our doing. */
  refused: ApiError | null
}

const JSON_TYPE = 'application/json'

const nothing = (): ModelBody => ({ model: null, content: null, content_length: null, refused: null })

/**
 * Reads the model out of the body. A form is read until the model is known: at least its first piece, and if `seeks` up to the limit of a
 * JSON body. Throws 400, 408, 413, 415.
 */
export function readModelBody(
  request: Request,
  given: Given,
  seeks: boolean,
  limits: Limits,
  waiting: Waiting,
): ModelBody | Promise<ModelBody> {
  const announced = given['content-length'] ?? null
  if (request.method !== 'POST' || announced === '0') return nothing()
  // Only asked where it must be: to look at `body` makes a stream of it, and reading that costs more than all else here.
  if (announced === null && request.body === null) return nothing()
  const encoding = given['content-encoding']
  const type = given['content-type'] ?? ''
  const kind = type === JSON_TYPE ? type : type.split(';', 1)[0]!.trim().toLowerCase()
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw unsupportedMediaType(`${kind}, ${encoding}`.slice(0, 100))
  if (kind === 'multipart/form-data') {
    if (Number(announced) > limits.upload_bytes) throw tooLarge(limits.upload_bytes)
    return request.body === null ? nothing() : readForm(request.body, boundaryOf(type), announced, seeks, limits)
  }
  if (kind !== JSON_TYPE) throw unsupportedMediaType(kind.slice(0, 100))
  if (Number(announced) > limits.body_bytes) throw tooLarge(limits.body_bytes)
  const reading = announced === null ? readAll(request.body!, limits.body_bytes) : request.bytes()
  const read = reading.then((content) =>
    content.length === 0 ? nothing() : { model: modelIn(content), content, content_length: null, refused: null },
  )
  return new Promise((resolve, reject) => {
    waiting.allow(limits.body_milliseconds, () => reject(bodyTooSlow()))
    read.then(resolve, reject)
  })
}

async function readAll(body: ReadableStream<Uint8Array>, most: number) {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > most) throw tooLarge(most)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

async function readForm(
  form: ReadableStream<Uint8Array>,
  boundary: string,
  content_length: string | null,
  seeks: boolean,
  { body_bytes, upload_bytes }: Limits,
): Promise<ModelBody> {
  const reader = form.getReader()
  const scan = new FormScan(boundary)
  let held = Buffer.alloc(0)
  let size = 0
  let ended = false
  while (!ended && scan.model === undefined) {
    const { done, value } = await reader.read()
    ended = done
    if (value) {
      held = append(held, size, value)
      size += value.length
      scan.feed(value)
    }
    if (scan.model !== undefined) break
    if (!seeks) break
    if (size > body_bytes)
      throw invalid(
        `The field 'model' must stand among the first ${body_bytes} bytes of the form: put it before the file.`,
        'model',
      )
  }
  const body: ModelBody = { model: scan.model ?? null, content: null, content_length, refused: null }
  let first: Uint8Array | null = held.subarray(0, size)
  held = Buffer.alloc(0)
  body.content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (first) {
          controller.enqueue(first)
          first = null
          return
        }
        const { done, value } = await reader.read()
        if (done) return controller.close()
        size += value.length
        try {
          if (size > upload_bytes) throw tooLarge(upload_bytes)
          scan.feed(value)
        } catch (refused) {
          body.refused = refused as ApiError
          await reader.cancel()
          return controller.error(refused)
        }
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return body
}

/** Adds to a buffer that grows by doubling, so that a form in many pieces is not copied again with each. */
function append(held: Buffer<ArrayBuffer>, size: number, piece: Uint8Array): Buffer<ArrayBuffer> {
  const needed = size + piece.length
  if (needed > held.length) {
    const larger = Buffer.allocUnsafe(Math.max(needed, held.length * 2))
    held.copy(larger, 0, 0, size)
    held = larger
  }
  held.set(piece, size)
  return held
}
