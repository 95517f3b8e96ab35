/**
 * A request that the ledger admitted, until it ends: watches its answer and settles what it used.
 */
import type { Admission } from '../../ledger/admission.ts'
import { costOf, type Counts } from '../../ledger/usage-counts.ts'
import type { ModelBody } from '../model-body.ts'
import type { End, PolicyRequest, Reservation } from '../policies/policy.ts'
import { AnswerMaximum } from './answer-maximum.ts'
import { AnswerMeter } from './answer-meter.ts'
import { sizesOf, type Sizes } from './bound.ts'
import type { Reported } from './count.ts'
import { deferralOf } from './deferred-use.ts'
import type { Endpoint } from './endpoints.ts'
import { estimate } from './estimate.ts'
import type { MeterWarnings } from './meter-warnings.ts'
import type { ModelSettings } from './model-book.ts'
import { isOff } from './named-numbers.ts'
import type { Price } from './price.ts'
import { addRateLimitHeaders } from './rate-limit-headers.ts'
import type { RefusedMembers } from './refused-members.ts'
import { optionsToSet, UsageQuestion } from './stream-options.ts'
import type { TokenCounter } from './tokens.ts'
import { hasSearches, requestedIn, searchesOf, unreported, useOf, type Requested } from './use.ts'

interface Metered {
  admission: Admission
  endpoint: Endpoint
  request: PolicyRequest
  body: ModelBody
  model: string
  /** Null if they were not needed to admit the request. */
  sizes: Sizes | null
  /** Tokens of the answer that the upstream is told to keep to; null for none. */
  maximum: number | null
  settings: ModelSettings
  price: Price | null
}

export interface MeteringParts {
  tokens: TokenCounter
  warnings: MeterWarnings
  refusedMembers: RefusedMembers
}

export class MeteredRequest implements Reservation {
  readonly #metered: Metered
  readonly #parts: MeteringParts
  readonly #answer: AnswerMeter
  /** What is added to the request so that the stream says its usage. */
  readonly #question: UsageQuestion | null
  readonly #maximum: AnswerMaximum | null
  #upstream = ''
  /** Read when the request ends, before its body is released. */
  #requested: Requested | null = null

  constructor(metered: Metered, parts: MeteringParts) {
    this.#metered = metered
    this.#parts = parts
    const { endpoint, body, model, maximum } = metered
    const { refusedMembers } = parts
    const options = optionsToSet(endpoint, body)
    this.#question = options === null ? null : new UsageQuestion(body, model, options, refusedMembers)
    this.#maximum = maximum === null ? null : new AnswerMaximum(body, model, endpoint, maximum, refusedMembers)
    this.#answer = new AnswerMeter(endpoint, this.#question !== null)
  }

  event(event: Uint8Array) {
    return this.#answer.event(event)
  }

  nextEvent(events: Uint8Array, from: number) {
    return this.#answer.nextEvent(events, from)
  }

  events(events: Uint8Array) {
    this.#answer.events(events)
  }

  piece(bytes: Uint8Array) {
    this.#answer.piece(bytes)
  }

  whole(bytes: Buffer) {
    this.#answer.whole(bytes)
  }

  addHeaders(headers: Record<string, string>) {
    addRateLimitHeaders(headers, this.#metered.admission)
  }

  beforeSending(upstream: string) {
    this.#upstream = upstream
    this.#question?.beforeSending(upstream)
    this.#maximum?.beforeSending(upstream)
  }

  isOurFault(refusal: string) {
    const { request } = this.#metered
    return this.#question?.isRefused(refusal, request) || this.#maximum?.isRefused(refusal, request) || false
  }

  get #sizes(): Sizes {
    const metered = this.#metered
    return (metered.sizes ??= sizesOf(metered.body, metered.endpoint, metered.settings))
  }

  settle({ wasForwarded, status, ended }: End) {
    const { admission, endpoint, body, model } = this.#metered
    if (!wasForwarded) return admission.release()
    const { reported } = this.#answer
    const isDeferred = !reported && endpoint.isResponses && !isOff(body.member('background'))
    this.#requested = requestedIn(body, isDeferred || (reported !== null && hasSearches(reported)))
    if (reported) return this.#settle(reported, false)
    // A refusal of the upstream costs nothing, unless it says otherwise.
    if (status !== null && status >= 300) return admission.release()
    if (isDeferred) return this.#settleLater()
    // Characters are counted exactly.
    const sizes = this.#sizes
    if (endpoint.unit === 'character') return this.#settle(unreported({ requests: 1, units: sizes.units! }), false)
    const isCut = status === null || (ended !== 'whole' && this.#answer.bytes === 0)
    const isUnseen = isCut && !body.isTrue('stream')
    const estimated = estimate({ endpoint, body, model, sizes, answer: this.#answer, isUnseen }, this.#parts.tokens)
    const settle = (counts: Counts) => this.#settle(unreported({ ...counts, ...this.#answer.begun }), true)
    if (!(estimated instanceof Promise)) return settle(estimated)
    void estimated.then(settle)
  }

  /** A background response: the upstream goes on when the answer has ended. */
  #settleLater() {
    const { admission, request, price } = this.#metered
    const most = mostOf(this.#sizes)
    const { id } = this.#answer
    // Nobody can ask for a result without an id: it may go on to its end.
    if (id === null) return this.#settle(unreported(most), true)
    admission.defer(
      deferralOf('response', this.#upstream, id, { path: request.endpoint!, requested: this.#requested!, price, most }),
    )
  }

  #settle(reported: Reported, isEstimated: boolean) {
    const { admission, endpoint, price, model } = this.#metered
    const { warnings } = this.#parts
    const { series } = admission.ask
    const counted =
      endpoint.unit === 'character'
        ? { ...reported, counts: { ...reported.counts, units: this.#sizes.units! } }
        : reported
    const requested = this.#requested!
    const own = useOf(counted, isEstimated, { endpoint, requested, price, series })
    const { counts } = own
    admission.settle(counts, { series: own.series, units: unitsOf(counts, endpoint) })
    if (hasSearches(reported))
      for (const search of searchesOf(reported, requested, own.series)) admission.note(search.series, search.counts)
    if (!price) warnings.unpriced(model)
    warnings.impossible(this.#upstream, model, reported.impossible)
    const { bound, isUnbounded } = admission.ask
    const cost = costOf(counts)
    if (cost > bound && !isUnbounded) warnings.boundBroken(this.#upstream, model, bound, cost)
  }
}

/** The counts that replace the estimates of rate limits. */
const unitsOf = ({ input = 0, output = 0, units = 0 }: Counts, { unit }: Endpoint) =>
  unit === 'image' ? { tokens: input + output, images: units } : { tokens: input + output }

const mostOf = ({ input, output, estimate, expected }: Sizes): Counts => ({
  requests: 1,
  input: input ?? estimate - expected,
  output: output ?? expected,
})
