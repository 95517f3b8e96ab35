/**
 * The memory that request bodies may take, all together and each caller's. Bytes are counted as
 * they arrive and given back when the request is over. Without a bound, whoever opens enough
 * connections decides how much memory the server takes.
 */
import { bodyMemoryFull, tooManyBodiesWithoutKey } from '../contract/errors.ts'

export interface BodyLimits {
  /** Most bytes of all bodies of callers with a key. */
  total_bytes: number
  /** Most bytes of the bodies of one key. */
  key_bytes: number
  /**
   * Most bytes of all bodies that arrive without a key. They have a room of their own, so they
   * never crowd out callers with a key.
   */
  keyless_bytes: number
}

const MiB = 1024 * 1024

/** The defaults. */
export const defaultBodyLimits: BodyLimits = {
  total_bytes: 256 * MiB,
  key_bytes: 64 * MiB,
  keyless_bytes: 8 * MiB,
}

export class BodyBudget {
  readonly #limits: BodyLimits
  readonly #byKey = new Map<string, number>()
  #total = 0
  #keyless = 0

  constructor(limits: Partial<BodyLimits> = {}) {
    this.#limits = { ...defaultBodyLimits, ...limits }
  }

  /** How many bytes of bodies are held at the moment. */
  get held() {
    return this.#total + this.#keyless
  }

  /** How many keys have a body in memory at the moment. */
  get keys() {
    return this.#byKey.size
  }

  /** A reservation of nothing yet. `key_id` is null for a caller without a key. */
  open(key_id: string | null): BodyReservation {
    return new BodyReservation((bytes) => (key_id === null ? this.#addKeyless(bytes) : this.#add(key_id, bytes)))
  }

  /** Also takes negative numbers, which never throw. */
  #add(key_id: string, bytes: number) {
    const ofKey = (this.#byKey.get(key_id) ?? 0) + bytes
    const { total_bytes, key_bytes } = this.#limits
    if (bytes > 0 && ofKey > key_bytes) throw bodyMemoryFull(`bodies of ${key_id} hold ${ofKey - bytes} bytes`)
    if (bytes > 0 && this.#total + bytes > total_bytes) throw bodyMemoryFull(`bodies hold ${this.#total} bytes`)
    this.#total += bytes
    if (ofKey === 0) this.#byKey.delete(key_id)
    else this.#byKey.set(key_id, ofKey)
  }

  #addKeyless(bytes: number) {
    if (bytes > 0 && this.#keyless + bytes > this.#limits.keyless_bytes) throw tooManyBodiesWithoutKey()
    this.#keyless += bytes
  }
}

/**
 * What one body has reserved. It must be released exactly when the body is no longer held;
 * releasing twice does nothing.
 */
export class BodyReservation {
  readonly #add: (bytes: number) => void
  #bytes = 0

  constructor(add: (bytes: number) => void) {
    this.#add = add
  }

  /** Reserves for bytes that arrived. Throws 503 (429 without a key) where there is no room. */
  grow(bytes: number) {
    this.#add(bytes)
    this.#bytes += bytes
  }

  /** Gives some of it back. */
  shrink(bytes: number) {
    this.#add(-bytes)
    this.#bytes -= bytes
  }

  /** Releases all of it; the reservation can be used again. */
  release() {
    if (this.#bytes === 0) return
    this.#add(-this.#bytes)
    this.#bytes = 0
  }
}
