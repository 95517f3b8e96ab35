/**
 * Reads the input file of a batch: the model that its requests name, and the most that they can
 * use.
 */
import { LARGEST_AMOUNT } from '../../ledger/budget.ts'
import { ApiError, invalid } from '../../contract/errors.ts'
import { JsonBody } from '../model-body.ts'
import { scanJson, scanNames, type ScanNames } from '../scan-json.ts'
import { LineSizes } from './batch-images.ts'
import { boundOf, BYTES_PER_TOKEN, largestMaximum, missingIn, sizesOf, type Sizes } from './bound.ts'
import { endpointOf, members, nested, type Endpoint } from './endpoints.ts'
import { storeMembers } from '../policies/zero-retention.ts'
import { toolMembers } from '../policies/hosted-tools.ts'
import type { ModelBook, ModelSettings } from './model-book.ts'
import { priceAt, type Price } from './price.ts'
import type { Requested } from './use.ts'

const NEWLINE = 0x0a
const LONGEST_LINE = 32 * 1024 * 1024

const lineNames = scanNames(['url', 'body'], [])
const bodyNames: ScanNames = scanNames([...members, ...toolMembers, ...storeMembers], nested)

export interface BatchInput {
  /** Empty if its requests name no model. */
  model: string
  /** The path of its requests, below `/v1`. */
  path: string
  endpoint: Endpoint
  price: Price | null
  requests: number
  /** Tokens of all prompts, estimated from their bytes. */
  input: number
  /** The most that all requests can cost, in nano-dollars; null if that is unknown. */
  bound: number | null
  /** The setting of the model without which it is unknown. */
  missing: ReturnType<typeof missingIn>
  output: number
  /** The most images or characters, of all requests and of one. */
  units: number
  largest: number
  /** Of images; empty where the requests differ. */
  requested: Requested
}

/** Each throws if the project may not use what it is given. */
export interface BatchPermits {
  model: (model: string) => void
  /** `path` is below `/v1`. */
  body: (body: JsonBody, path: string) => void
  /** Of a request that is not metered. */
  unmetered: (model: string) => void
  /** Of a request that has a price. */
  bound: (body: JsonBody, endpoint: Endpoint, price: Price) => void
}

/** Adds up the lines of an input file as they come. `now` is in Unix seconds. */
export class BatchScan {
  readonly #models: ModelBook
  readonly #now: number
  readonly #permit: BatchPermits
  #rest: Uint8Array[] = []
  #restBytes = 0
  #line = 0
  #first: { model: string; path: string } | null = null
  readonly #sizes = new LineSizes()
  #sum: Omit<BatchInput, 'requested'> | null = null

  constructor(models: ModelBook, now: number, permit: BatchPermits) {
    this.#models = models
    this.#now = now
    this.#permit = permit
  }

  feed(piece: Uint8Array) {
    let start = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      this.#keep(piece.subarray(start, end))
      this.#take()
      start = end + 1
    }
    this.#keep(piece.subarray(start))
  }

  /** Null for a file without a request that is metered. */
  end(): BatchInput | null {
    this.#take()
    const sum = this.#sum
    return sum && { ...sum, price: this.#sizes.priceOf(sum.price), requested: this.#sizes.requested }
  }

  #keep(bytes: Uint8Array) {
    if (bytes.length === 0) return
    this.#restBytes += bytes.length
    if (this.#restBytes > LONGEST_LINE) throw this.#wrong(`is longer than ${LONGEST_LINE} bytes`)
    this.#rest.push(new Uint8Array(bytes))
  }

  #take() {
    this.#line++
    const line = new Uint8Array(Buffer.concat(this.#rest))
    this.#rest = []
    this.#restBytes = 0
    if (line.every((byte) => byte <= 0x20)) return
    const { path, body } = this.#parsed(line)
    const model = body.model ?? ''
    if (this.#first === null) this.#permit.model(model)
    const first = (this.#first ??= { model, path })
    if (first.model !== model || first.path !== path)
      throw this.#wrong('names another model or path than those before it')
    try {
      this.#permit.body(body, path)
      this.#add(model, path, body)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 400) throw error
      throw invalid(`Line ${this.#line} of the input file: ${error.message}`, 'input_file_id')
    }
  }

  #parsed(line: Uint8Array<ArrayBuffer>): { path: string; body: JsonBody } {
    try {
      const outer = new JsonBody(line, scanJson(line, lineNames))
      const url = JSON.parse(outer.member('url') ?? '""') as unknown
      const bytes = new Uint8Array(Buffer.from(outer.member('body') ?? ''))
      return { path: String(url).replace(/^\/v1/, ''), body: new JsonBody(bytes, scanJson(bytes, bodyNames)) }
    } catch (error) {
      throw this.#wrong(`cannot be read: ${(error as Error).message}`)
    }
  }

  #add(model: string, path: string, body: JsonBody) {
    const endpoint = endpointOf('POST', path)
    if (!endpoint) return this.#permit.unmetered(model)
    const settings = this.#models.find(model)
    const price = this.#sum ? this.#sum.price : priceAt(settings.prices, this.#now)
    if (price) this.#permit.bound(body, endpoint, price)
    const sizes = lineSizes(body, endpoint, settings)
    const bound = price && boundOf(sizes, endpoint, price, price.batch)
    const sum = (this.#sum ??= { ...nothing, model, path, endpoint, price, missing: missingIn(sizes, price) })
    if (bound === null && sum.bound !== null) sum.missing = missingIn(sizes, price)
    sum.requests++
    sum.input += endpoint.isPairs ? sizes.estimate : Math.ceil(body.size / BYTES_PER_TOKEN)
    sum.output += sizes.output ?? sizes.expected
    sum.units += sizes.units ?? 0
    sum.largest = Math.max(sum.largest, sizes.units ?? 0)
    if (endpoint.unit === 'image') this.#sizes.add(body)
    sum.bound = bound === null || sum.bound === null ? null : Math.min(sum.bound + bound, LARGEST_AMOUNT)
  }

  #wrong(what: string) {
    return invalid(`Line ${this.#line} of the input file ${what}.`, 'input_file_id')
  }
}

const nothing = { requests: 0, input: 0, output: 0, units: 0, largest: 0, bound: 0 }

/**
 * A line cannot be changed: where it names a larger maximum than the model has, its answer can be
 * as long as it says.
 */
function lineSizes(body: JsonBody, endpoint: Endpoint, settings: ModelSettings): Sizes {
  const { max_output_tokens: most } = settings
  const named = largestMaximum(body, endpoint)
  return sizesOf(body, endpoint, most === null || named <= most ? settings : { ...settings, max_output_tokens: named })
}
