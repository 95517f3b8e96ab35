/** Remembers which members upstreams refuse that metering adds to requests, for ten minutes. */
import type { World } from '../../world/world.ts'
import type { PolicyRequest } from '../policies/policy.ts'
import { parsedJson } from './parsed-json.ts'
import { of } from './usage-numbers.ts'

const REMEMBERED_MILLISECONDS = 600_000
const MOST_REMEMBERED = 1000

export class RefusedMembers {
  readonly #world: Pick<World, 'steady'>
  /** Until when, by the steady clock. */
  readonly #until = new Map<string, number>()

  constructor(world: Pick<World, 'steady'>) {
    this.#world = world
  }

  has(member: string, upstream: string, model: string): boolean {
    // Asked several times for each request, and mostly nothing was refused.
    if (this.#until.size === 0) return false
    return (this.#until.get(`${member} ${upstream} ${model}`) ?? 0) > this.#world.steady()
  }

  add(member: string, upstream: string, model: string) {
    if (this.#until.size >= MOST_REMEMBERED) this.#until.clear()
    this.#until.set(`${member} ${upstream} ${model}`, this.#world.steady() + REMEMBERED_MILLISECONDS)
  }
}

/**
 * Whether an upstream that refuses a request with these words may only quote the client, who has
 * them in the request. It does not if it names the member as the parameter that is wrong.
 */
export function mayQuote(refusal: string, member: string, words: RegExp, { request, body }: PolicyRequest): boolean {
  const { param } = of(of(parsedJson(refusal)).error)
  if (param === member || String(param).startsWith(`${member}.`)) return false
  return words.test(request.url) || words.test(JSON.stringify(request.headers)) || body?.says(words) !== false
}
