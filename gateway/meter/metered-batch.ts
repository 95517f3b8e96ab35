/**
 * A batch that the ledger admitted, until the upstream accepts it. From then on its result is
 * waited for.
 */
import type { Admission } from '../../ledger/admission.ts'
import type { End, Reservation } from '../policies/policy.ts'
import { AnswerBytes } from './answer-bytes.ts'
import type { BatchInput } from './batch-input.ts'
import { deferralOf } from './deferred-use.ts'
import type { ResultWatch } from './result-watch.ts'

/** What can stand in an address as it is, and in the database. */
const ID = /^(?!.*\.\.)[\w.:=@+,/~-]{1,200}$/

export class MeteredBatch implements Reservation {
  readonly #admission: Admission
  readonly #input: BatchInput
  readonly #results: ResultWatch
  readonly #answer = new AnswerBytes()
  #upstream = ''

  constructor(admission: Admission, input: BatchInput, results: ResultWatch) {
    this.#admission = admission
    this.#input = input
    this.#results = results
  }

  readonly beforeSending = (upstream: string) => {
    this.#upstream = upstream
  }

  readonly piece = (bytes: Uint8Array) => this.#answer.add(bytes)

  settle({ wasForwarded, status }: End) {
    const admission = this.#admission
    if (!wasForwarded || (status !== null && status >= 300)) return admission.release()
    const { path, price, requests, input, output, units, largest, requested } = this.#input
    const most = { requests, input, output, units }
    const id = (this.#answer.object as { id?: unknown } | null)?.id
    // Nobody can ask for a result without such an id: it may run to its end.
    if (typeof id !== 'string' || !ID.test(id)) {
      const { bound, series } = admission.ask
      return admission.settle({ ...most, cost_output: bound }, { series: { ...series, estimated: 1 } })
    }
    this.#results.remember(this.#upstream, id, admission)
    admission.defer(deferralOf('batch', this.#upstream, id, { path, requested, price, most, largest }))
  }
}

/** Any answer in which the result of a batch or of a background response passes. */
export class WatchedResult implements Reservation {
  readonly #result_id: string
  readonly #results: ResultWatch
  readonly #answer = new AnswerBytes()
  #inStream: object | null = null
  #upstream = ''

  constructor(result_id: string, results: ResultWatch) {
    this.#result_id = result_id
    this.#results = results
  }

  readonly beforeSending = (upstream: string) => {
    this.#upstream = upstream
  }

  readonly piece = (bytes: Uint8Array) => this.#answer.add(bytes)

  /** A response can be read as a stream again, whose last event has it whole. */
  readonly event = (event: Uint8Array) => {
    this.#inStream = responseIn(event) ?? this.#inStream
    return true
  }

  settle({ status }: End) {
    if (status !== 200) return
    const result = this.#inStream ?? this.#answer.object
    if (result || this.#answer.isTooLong) this.#results.seen(this.#upstream, this.#result_id, result)
  }
}

const USAGE = Buffer.from('"usage"')

function responseIn(event: Uint8Array): object | null {
  const bytes = Buffer.from(event.buffer, event.byteOffset, event.length)
  if (!bytes.includes(USAGE)) return null
  try {
    const { response } = JSON.parse(/^data: ?(.*)$/m.exec(bytes.toString())?.[1] ?? '{}') as { response?: object }
    return response ?? null
  } catch {
    return null
  }
}
