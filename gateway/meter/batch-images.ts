/**
 * The images that a batch asks for. Its result says how many of its lines succeeded, and neither
 * which ones nor how many images they made.
 */
import type { Counts } from '../../ledger/usage-counts.ts'
import type { ModelBody } from '../model-body.ts'
import { dearestImage, type Price } from './price.ts'
import { requestedIn, requestedNothing, type Requested } from './use.ts'

/** The size and quality of the lines of a batch, as long as all have the same. */
export class LineSizes {
  #first: Requested | null = null
  #areAlike = true

  add(body: ModelBody) {
    const { size, quality } = requestedIn(body, false)
    this.#first ??= { ...requestedNothing, size, quality }
    if (size !== this.#first.size || quality !== this.#first.quality) this.#areAlike = false
  }

  get requested(): Requested {
    return this.#first && this.#areAlike ? this.#first : requestedNothing
  }

  /** Where the lines differ, an image costs as much as the dearest. */
  priceOf(price: Price | null): Price | null {
    if (price === null || this.#areAlike) return price
    return { ...price, images: new Map([['*', dearestImage(price.images)]]) }
  }
}

/**
 * The most images that so many lines can have made, which is exact where all ask for as many, or
 * all succeeded; `largest` is what one line asks for at most.
 */
export function imagesOf(completed: number, { requests = 0, units = requests }: Counts, largest = units): number {
  return Math.min(completed * largest, completed + units - requests)
}
