/**
 * A body that was read: what is known of it, what policies may change, and what is sent to the
 * upstream.
 */
import { invalid } from '../contract/errors.ts'
import { maskKeys } from '../keys/format.ts'
import { giveMemory, mostBytes, takeMemory, writeChanged } from './changed-json.ts'
import type { ScannedJson } from './scan-json.ts'
import type { Upload } from './uploads.ts'

export interface ModelBody {
  kind: 'json' | 'form' | 'unread' | 'none'
  model: string | null
  /** Its bytes, decompressed. */
  size: number
  /** What policies look for at any depth and is there. */
  nested: ReadonlySet<string>
  /**
   * A member that a policy looks for: its JSON text, or the value of a form's field; undefined if
   * it is not there.
   */
  member: (name: string) => string | undefined
  /** The same as it is sent: with what `set` has made of it. */
  sent: (name: string) => string | undefined
  /** Whether these words may stand in it as it came, also with letters written by their numbers. */
  says: (words: RegExp) => boolean
  /** The bytes of such a member of a JSON body. */
  bytes: (name: string) => Uint8Array | undefined
  /** Whether such a member, or field, is `true`. */
  isTrue: (name: string) => boolean
  /**
   * Replaces a member that a policy looks for, or adds it. `json` is its new value. Only a JSON
   * body can be changed.
   */
  set: (name: string, json: string) => void
  /**
   * Makes this the model of the request, which its path names. Throws 400 where the body names
   * another one and cannot be changed.
   */
  useModel: (model: string) => void
  /** Takes back what `set` did. */
  unset: (name: string) => void
  /** Bytes, or a way to read them: both can be sent to one upstream after the other. */
  content: () => Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null
  content_length: string | null
  /** What the upstream is told that it is; null for what the client says. */
  content_type: string | null
  /** Lets go of the content. */
  close: () => void
}

export const JSON_TYPE = 'application/json'

const nothing: ReadonlySet<string> = new Set()

const refuseToChange = (name: string) => {
  throw new Error(`"${name}" cannot be set: only a JSON body can be changed.`)
}

export const noBody: ModelBody = {
  kind: 'none',
  model: null,
  size: 0,
  nested: nothing,
  member: () => undefined,
  sent: () => undefined,
  says: () => false,
  bytes: () => undefined,
  isTrue: () => false,
  set: refuseToChange,
  useModel: () => {},
  unset: () => {},
  content: () => null,
  content_length: null,
  content_type: null,
  close: () => {},
}

export class JsonBody implements ModelBody {
  readonly kind = 'json'
  readonly content_length = null
  /**
   * Clients also send it with other types, or none, or an encoding of text that it does not have.
   */
  readonly content_type = JSON_TYPE
  model: string | null
  readonly size: number
  readonly #scanned: ScannedJson
  #bytes: Buffer<ArrayBuffer>
  #changes: Map<string, string> | null = null
  /** Where the changed body was written. */
  #memory: Buffer<ArrayBuffer> | null = null

  constructor(bytes: Uint8Array<ArrayBuffer>, scanned: ScannedJson) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#scanned = scanned
    this.model = scanned.model
    this.size = bytes.length
  }

  get nested() {
    return this.#scanned.nested
  }

  /** As it came: changes are not looked at. */
  member(name: string) {
    const span = this.#scanned.members.get(name)
    return span && this.#bytes.toString('utf8', span.start, span.end)
  }

  sent(name: string) {
    return this.#changes?.get(name) ?? this.member(name)
  }

  says(words: RegExp) {
    const text = this.#bytes.toString()
    return words.test(text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))))
  }

  bytes(name: string) {
    const span = this.#scanned.members.get(name)
    return span && this.#bytes.subarray(span.start, span.end)
  }

  isTrue(name: string) {
    const span = this.#scanned.members.get(name)
    if (span === undefined || span.end - span.start !== TRUE.length) return false
    return this.#bytes.compare(TRUE, 0, TRUE.length, span.start, span.end) === 0
  }

  set(name: string, json: string) {
    // Else the body could have the member twice, which two parsers read in two ways.
    if (!this.#scanned.lookedFor.has(name)) throw new Error(`"${name}" is not among the members of any policy.`)
    this.#changes ??= new Map()
    this.#changes.set(name, json)
  }

  useModel(model: string) {
    if (model === this.model) return
    this.set('model', JSON.stringify(model))
    this.model = model
  }

  unset(name: string) {
    this.#changes?.delete(name)
  }

  /** What it returned before is overwritten. */
  content() {
    const changes = this.#changes
    if (changes === null || changes.size === 0) return this.#bytes
    const most = mostBytes(this.#bytes, changes)
    if (this.#memory === null || this.#memory.length < most) this.#memory = takeMemory(most)
    return writeChanged(this.#memory, this.#bytes, this.#scanned, changes)
  }

  close() {
    this.#bytes = noBytes
    if (this.#memory !== null) giveMemory(this.#memory)
    this.#memory = null
  }
}

const noBytes = Buffer.alloc(0)
const TRUE = Buffer.from('true')

export class FormBody implements ModelBody {
  readonly kind = 'form'
  readonly content_type = null
  readonly nested = nothing
  readonly says = () => true
  readonly bytes = () => undefined
  readonly set = refuseToChange
  readonly unset = () => {}
  readonly #upload: Upload
  readonly #fields: ReadonlyMap<string, string>

  constructor(upload: Upload, fields: ReadonlyMap<string, string>) {
    this.#upload = upload
    this.#fields = fields
  }

  get model() {
    return this.#fields.get('model') ?? null
  }

  useModel(model: string) {
    requireModel(this.model, model)
  }

  get size() {
    return this.#upload.size
  }

  get content_length() {
    return String(this.#upload.size)
  }

  member(name: string) {
    return this.#fields.get(name)
  }

  sent(name: string) {
    return this.member(name)
  }

  isTrue(name: string) {
    return this.member(name) === 'true'
  }

  content() {
    const { content } = this.#upload
    return typeof content === 'function' ? content() : content
  }

  close() {
    this.#upload.close()
  }
}

/** A body that nobody looks into. Its model, if any, stood in the query. */
export class UnreadBody implements ModelBody {
  readonly kind = 'unread'
  readonly nested = nothing
  readonly content_type = null
  readonly member = () => undefined
  readonly sent = () => undefined
  readonly says = () => true
  readonly bytes = () => undefined
  readonly isTrue = () => false
  readonly set = refuseToChange
  readonly unset = () => {}
  readonly model: string | null
  readonly #upload: Upload

  constructor(upload: Upload, model: string | null) {
    this.#upload = upload
    this.model = model
  }

  useModel(model: string) {
    requireModel(this.model, model)
  }

  get size() {
    return this.#upload.size
  }

  get content_length() {
    return String(this.#upload.size)
  }

  content() {
    const { content } = this.#upload
    return typeof content === 'function' ? content() : content
  }

  close() {
    this.#upload.close()
  }
}

function requireModel(named: string | null, model: string) {
  if (named !== model)
    throw invalid(
      `The path names the deployment ${shown(model)}, and the body ${named === null ? 'no model' : `the model ${shown(named)}`}: both must be the same.`,
      'model',
    )
}

const shown = (name: string) => JSON.stringify(maskKeys(name).slice(0, 64))
