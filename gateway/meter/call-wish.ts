/** What a metered call asks the ledger for, under the limits that its caller has at that moment. */
import type { Admission } from '../../ledger/admission.ts'
import type { Ask, WindowAsk } from '../../ledger/ask.ts'
import { seconds, type World } from '../../world/world.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { PolicyRequest, Reservation } from '../policies/policy.ts'
import type { Admitting, Wish } from './admit.ts'
import { boundOf, missingIn, requireAnswers, requireChangeable, sizesOf, type Sizes } from './bound.ts'
import { isGiven } from './named-numbers.ts'
import { requireBound, requireModel, requireOneModel } from './caller-limits.ts'
import type { Endpoint } from './endpoints.ts'
import { MeteredRequest, type MeteringParts } from './metered-request.ts'
import type { ModelBook } from './model-book.ts'
import { dearestFactor } from './price.ts'
import { termsOf, type Terms } from './terms.ts'
import { tokenBound } from './token-bound.ts'
import { tierIn } from './use.ts'
import { windowsFor } from './windows.ts'

export interface CallContext extends Admitting, MeteringParts {
  models: () => ModelBook
  world: World
}

const noWindows: readonly WindowAsk[] = []

export class CallWish implements Wish {
  readonly #context: CallContext
  readonly #request: PolicyRequest
  readonly #endpoint: Endpoint
  readonly #body: ModelBody
  readonly #model: string
  /** Sizes with the prompt counted by a tokenizer; null before it was. */
  readonly #closer: Sizes | null
  #terms!: Terms
  #sizes: Sizes | null = null

  constructor(
    context: CallContext,
    request: PolicyRequest,
    endpoint: Endpoint,
    body: ModelBody,
    closer: Sizes | null = null,
  ) {
    this.#context = context
    this.#request = request
    this.#endpoint = endpoint
    this.#body = body
    this.#model = request.model ?? ''
    this.#closer = closer
  }

  /** Throws 400 where the request must name one model. */
  ask(caller: ProjectCaller): Ask {
    const { models, world } = this.#context
    requireModel(caller, this.#model)
    requireOneModel(caller, this.#body)
    const terms = termsOf(caller, this.#endpoint, this.#model, models(), seconds(world))
    this.#terms = terms
    const { price, hasRates, series } = terms
    // Sizes are not computed here if no limit and no price depends on them.
    const sizes = price || hasRates ? this.#sizesFor(terms) : null
    const bound = price && sizes ? this.#bound(caller, terms, sizes) : 0
    return {
      organization_id: caller.organization_id,
      project_id: caller.project_id,
      windows: sizes && hasRates ? windowsFor(terms, sizes, this.#endpoint, this.#body) : noWindows,
      limits: caller.limits.spend,
      bound: bound ?? 0,
      isUnbounded: bound === null,
      series,
    }
  }

  #sizesFor({ settings }: Terms): Sizes {
    return (this.#sizes = this.#closer ?? sizesOf(this.#body, this.#endpoint, settings))
  }

  /**
   * Null if the bound is unknown and no limit depends on it. Throws 400 if one does, and also where
   * the body cannot be changed so that it holds.
   */
  #bound(caller: ProjectCaller, { price, settings, hasSpendLimit }: Terms, sizes: Sizes): number | null {
    if (hasSpendLimit) {
      requireAnswers(this.#body)
      requireChangeable(this.#body, sizes)
    }
    const bound = boundOf(sizes, this.#endpoint, price!, dearestFactor(price!, tierIn(this.#body)))
    if (bound === null && hasSpendLimit) requireBound(caller, price, bound, settings.match, missingIn(sizes, price))
    return bound
  }

  reservation(admission: Admission): Reservation {
    const terms = this.#terms
    const sizes = this.#sizes
    const body = this.#body
    const endpoint = this.#endpoint
    let maximum: number | null = null
    if (sizes && terms.price && terms.hasSpendLimit)
      for (const name of sizes.set)
        if (endpoint.setsInstead !== null && name === endpoint.sets && !isGiven(body.member(name)))
          maximum = sizes.maximum
        else body.set(name, String(sizes.maximum))
    const { settings, price } = terms
    const request = this.#request
    const metered = { admission, endpoint, request, body, model: this.#model, sizes, maximum, settings, price }
    return new MeteredRequest(metered, this.#context)
  }

  /** With a tokenizer's count of the prompt, where that is smaller than its bytes. */
  async smaller(): Promise<Wish | null> {
    // Of pairs, a tokenizer counts the texts once that are read in each.
    if (this.#closer || !this.#sizes || this.#endpoint.isPairs) return null
    const sizes = this.#sizes
    const input = await tokenBound(this.#context.tokens, this.#body, this.#model, sizes)
    return input === null
      ? null
      : new CallWish(this.#context, this.#request, this.#endpoint, this.#body, { ...sizes, input })
  }
}
