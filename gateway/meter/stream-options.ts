/**
 * Asks upstreams for the usage of a stream by `stream_options`, where the client did not; and
 * remembers those that refuse that member.
 */
import type { World } from '../../world/world.ts'
import type { ModelBody } from '../model-body.ts'
import { flagOf } from './bound.ts'
import type { Endpoint } from './endpoints.ts'

const REMEMBERED_MILLISECONDS = 600_000
const MOST_REMEMBERED = 1000
const NAME = 'stream_options'

/** Which upstreams refuse `stream_options` for which models. */
export class RefusedStreamOptions {
  readonly #world: Pick<World, 'steady'>
  /** Until when, by the steady clock. */
  readonly #until = new Map<string, number>()

  constructor(world: Pick<World, 'steady'>) {
    this.#world = world
  }

  has(upstream: string, model: string) {
    return (this.#until.get(`${upstream} ${model}`) ?? 0) > this.#world.steady()
  }

  add(upstream: string, model: string) {
    if (this.#until.size >= MOST_REMEMBERED) this.#until.clear()
    this.#until.set(`${upstream} ${model}`, this.#world.steady() + REMEMBERED_MILLISECONDS)
  }
}

/** The value of `stream_options` that asks for the usage; null where nothing is to be added. */
export function optionsToSet(endpoint: Endpoint, body: ModelBody): string | null {
  if (!endpoint.asksForUsage || body.kind !== 'json' || !flagOf(body, 'stream')) return null
  const given = objectIn(body.member(NAME))
  // What is no object is for the upstream to refuse.
  return given === null || given.include_usage === true ? null : JSON.stringify({ ...given, include_usage: true })
}

/** A stream whose usage is asked for, on its way to one upstream after another. */
export class UsageQuestion {
  readonly #body: ModelBody
  readonly #model: string
  readonly #options: string
  readonly #refused: RefusedStreamOptions
  #upstream = ''

  constructor(body: ModelBody, model: string, options: string, refused: RefusedStreamOptions) {
    this.#body = body
    this.#model = model
    this.#options = options
    this.#refused = refused
  }

  beforeSending(upstream: string) {
    this.#upstream = upstream
    if (this.#refused.has(upstream, this.#model)) this.#body.unset(NAME)
    else this.#body.set(NAME, this.#options)
  }

  /** Whether the upstream refuses what was added, so that it is to be asked once more without. */
  isRefused(answer: string): boolean {
    if (!/stream_options|include_usage/.test(answer) || this.#refused.has(this.#upstream, this.#model)) return false
    this.#refused.add(this.#upstream, this.#model)
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
