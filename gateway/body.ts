/** The body of a model request: read as far as the gateway must know it, and passed on. */
import { bodyTooSlow, tooLarge, unsupportedMediaType } from '../contract/errors.ts'
import type { Given } from './headers.ts'
import { boundaryOf, FormScan } from './scan-form.ts'
import { modelIn } from './scan-json.ts'
import type { Upload, Uploads } from './uploads.ts'
import type { Waiting } from './watch.ts'

export interface Limits {
  /** Most bytes of a JSON body. */
  body_bytes: number
  /** Most bytes of a form. */
  upload_bytes: number
  /** How long a JSON body may take to arrive. */
  body_milliseconds: number
  /** How long a form may be silent. */
  idle_milliseconds: number
}

export const usualLimits: Limits = {
  body_bytes: 32 * 1024 * 1024,
  upload_bytes: 512 * 1024 * 1024,
  body_milliseconds: 120_000,
  idle_milliseconds: 60_000,
}

export interface ModelBody {
  model: string | null
  /** Bytes, or how to read them: both can be sent to one upstream after the other. */
  content: Uint8Array<ArrayBuffer> | (() => ReadableStream<Uint8Array>) | null
  content_length: string | null
  /** Lets go of the content. */
  close: () => void
}

const JSON_TYPE = 'application/json'

const nothing = (): ModelBody => ({ model: null, content: null, content_length: null, close: () => {} })

/** Reads the body, and the model in it. Throws 400, 408, 413, 415, 503. */
export function readModelBody(
  request: Request,
  given: Given,
  uploads: Uploads,
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
    return request.body === null
      ? nothing()
      : readForm(request.body, boundaryOf(type), uploads.begin(), limits, waiting)
  }
  if (kind !== JSON_TYPE) throw unsupportedMediaType(kind.slice(0, 100))
  if (Number(announced) > limits.body_bytes) throw tooLarge(limits.body_bytes)
  const reading = announced === null ? readAll(request.body!, limits.body_bytes) : request.bytes()
  const read = reading.then((content) =>
    content.length === 0 ? nothing() : { model: modelIn(content), content, content_length: null, close: () => {} },
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
  upload: Upload,
  { upload_bytes, idle_milliseconds }: Limits,
  waiting: Waiting,
): Promise<ModelBody> {
  const scan = new FormScan(boundary)
  const reader = form.getReader()
  let isSilent = false
  const giveUp = () => {
    isSilent = true
    void reader.cancel().catch(() => {})
  }
  try {
    for (;;) {
      waiting.allow(idle_milliseconds, giveUp)
      const { done, value } = await reader.read()
      if (isSilent) throw bodyTooSlow()
      if (done) break
      if (upload.size + value.length > upload_bytes) throw tooLarge(upload_bytes)
      scan.feed(value)
      await upload.add(value)
    }
  } catch (error) {
    upload.close()
    void reader.cancel().catch(() => {})
    throw error
  }
  const { content, size } = upload
  return { model: scan.model ?? null, content, content_length: String(size), close: () => upload.close() }
}
