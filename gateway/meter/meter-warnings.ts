/**
 * Warnings of metering in the log. Each is repeated only after a while, because every request can
 * cause it.
 */
import { maskKeys } from '../../keys/format.ts'
import type { World } from '../../world/world.ts'

const AGAIN_AFTER_MILLISECONDS = 600_000
const MOST_REMEMBERED = 1000
const LONGEST_MODEL = 128

/** A sentence for the log, and what it is about. */
export type Warn = (sentence: string, about: Record<string, unknown>) => void

export class MeterWarnings {
  readonly #warn: Warn
  readonly #world: Pick<World, 'steady'>
  /** When each was said last, by the steady clock. */
  readonly #said = new Map<string, number>()
  /** Models without a price that were used: asked with each of their requests. */
  readonly #unpriced = new Set<string>()

  constructor(warn: Warn, world: Pick<World, 'steady'>) {
    this.#warn = warn
    this.#world = world
  }

  /** Said once. */
  unpriced(model: string) {
    if (this.#unpriced.has(model)) return
    if (this.#unpriced.size >= MOST_REMEMBERED) this.#unpriced.clear()
    this.#unpriced.add(model)
    this.#say(Infinity, 'A model without a price was used; it counts as free.', { model: shown(model) })
  }

  impossible(upstream: string, model: string, members: readonly string[]) {
    if (members.length === 0) return
    this.#say(AGAIN_AFTER_MILLISECONDS, 'An upstream said that it used impossible amounts; they count as 0.', {
      upstream,
      model: shown(model),
      members: members.join(', '),
    })
  }

  /** In nano-dollars. */
  boundBroken(upstream: string, model: string, bound: number, cost: number) {
    this.#say(
      AGAIN_AFTER_MILLISECONDS,
      'An upstream used more than a request could cost at most; a spend limit may be passed by it. Are `max_output_tokens`, `context_tokens` and `max_audio_seconds` of the model right?',
      { upstream, model: shown(model), bound_dollars: bound / 1e9, cost_dollars: cost / 1e9 },
      ['upstream', 'model'],
    )
  }

  /** `key` names the members of `about` that make it another thing to say. */
  #say(again: number, sentence: string, about: Record<string, unknown>, key = Object.keys(about)) {
    const name = `${sentence} ${key.map((member) => String(about[member])).join('\n')}`
    const now = this.#world.steady()
    const before = this.#said.get(name)
    if (before !== undefined && now - before < again) return
    if (this.#said.size >= MOST_REMEMBERED) this.#said.clear()
    this.#said.set(name, now)
    this.#warn(sentence, about)
  }
}

const shown = (model: string) => maskKeys(model).slice(0, LONGEST_MODEL)
