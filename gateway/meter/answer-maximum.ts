/**
 * Sets how long an answer may be, under a spend limit, so that it cannot cost more than was
 * reserved.
 *
 * Chat completions have two members for it. Some servers know only the older one and ignore the
 * other: they would answer at any length. Others refuse the older one with a 400, and then get the
 * newer one.
 */
import type { ModelBody } from '../model-body.ts'
import { isGiven } from './named-numbers.ts'
import type { Endpoint } from './endpoints.ts'
import type { PolicyRequest } from '../policies/policy.ts'
import { mayQuote, type RefusedMembers } from './refused-members.ts'

export class AnswerMaximum {
  readonly #body: ModelBody
  readonly #model: string
  readonly #member: string
  readonly #instead: string
  /** Whether the client has set the newer member itself. */
  readonly #isGiven: boolean
  readonly #value: string
  readonly #refused: RefusedMembers
  #upstream = ''

  /** For an endpoint with `sets` and `setsInstead`. */
  constructor(
    body: ModelBody,
    model: string,
    { sets, setsInstead }: Endpoint,
    tokens: number,
    refused: RefusedMembers,
  ) {
    this.#body = body
    this.#model = model
    this.#member = sets!
    this.#instead = setsInstead!
    this.#isGiven = isGiven(body.member(setsInstead!))
    this.#value = String(tokens)
    this.#refused = refused
  }

  beforeSending(upstream: string) {
    this.#upstream = upstream
    const isRefused = this.#refused.has(this.#member, upstream, this.#model)
    if (isRefused) this.#body.unset(this.#member)
    else this.#body.set(this.#member, this.#value)
    if (this.#isGiven) return
    if (isRefused) this.#body.set(this.#instead, this.#value)
    else this.#body.unset(this.#instead)
  }

  /**
   * Whether the upstream refuses what was added, so that it is to be asked once more. Only a server
   * that names the newer member knows it, and will keep to it.
   */
  isRefused(answer: string, request: PolicyRequest): boolean {
    if (!answer.includes(this.#instead) || this.#refused.has(this.#member, this.#upstream, this.#model)) return false
    if (mayQuote(answer, this.#member, new RegExp(this.#instead, 'i'), request)) return false
    this.#refused.add(this.#member, this.#upstream, this.#model)
    return true
  }
}
