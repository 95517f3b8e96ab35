/** Asks upstreams for the usage of a stream by `stream_options`, where the client did not. */
import type { ModelBody } from '../model-body.ts'
import type { Endpoint } from './endpoints.ts'
import type { PolicyRequest } from '../policies/policy.ts'
import { mayQuote, type RefusedMembers } from './refused-members.ts'

const NAME = 'stream_options'
const WORDS = /stream_options|include_usage/i

/** The value of `stream_options` that asks for the usage; null where nothing is to be added. */
export function optionsToSet(endpoint: Endpoint, body: ModelBody): string | null {
  if (!endpoint.asksForUsage || body.kind !== 'json' || !body.isTrue('stream')) return null
  const given = objectIn(body.member(NAME))
  // What is no object is for the upstream to refuse.
  return given === null || given.include_usage === true ? null : JSON.stringify({ ...given, include_usage: true })
}

/** A stream whose usage is asked for, on its way to one upstream after another. */
export class UsageQuestion {
  readonly #body: ModelBody
  readonly #model: string
  readonly #options: string
  readonly #refused: RefusedMembers
  #upstream = ''
  /** An upstream refused it, or only quoted the client: without it the answer is counted. */
  #isLeftAway = false

  constructor(body: ModelBody, model: string, options: string, refused: RefusedMembers) {
    this.#body = body
    this.#model = model
    this.#options = options
    this.#refused = refused
  }

  beforeSending(upstream: string) {
    this.#upstream = upstream
    if (this.#isLeftAway || this.#refused.has(NAME, upstream, this.#model)) this.#body.unset(NAME)
    else this.#body.set(NAME, this.#options)
  }

  /** Whether the upstream refuses what was added, so that it is to be asked once more without. */
  isRefused(answer: string, request: PolicyRequest): boolean {
    if (this.#isLeftAway || !WORDS.test(answer) || this.#refused.has(NAME, this.#upstream, this.#model)) return false
    if (!mayQuote(answer, NAME, WORDS, request)) this.#refused.add(NAME, this.#upstream, this.#model)
    this.#isLeftAway = true
    return true
  }
}

/** Nothing and null are an empty object; null for anything that is no object. */
function objectIn(json: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = json === undefined ? {} : (JSON.parse(json) ?? {})
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
