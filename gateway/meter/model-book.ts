/**
 * What the operator says of models (`models:` in `keyhall.yaml`): prices, sizes and limits, found
 * by a model's name.
 */
import type { LimitName } from '../../contract/project-rate-limits.ts'
import type { LimitRow, ModelLimits } from '../../ledger/model-limits.ts'
import { patternOf } from '../patterns.ts'
import type { Price } from './price.ts'

export interface ModelSettings {
  /** A model's name, or a pattern in which `*` stands for any characters. */
  match: string
  prices: readonly Price[]
  /** Most tokens of a prompt; null where it is not known. */
  context_tokens: number | null
  /** Most tokens of an answer; null where it is not known. */
  max_output_tokens: number | null
  /** The longest audio that it transcribes; null where it is not known. */
  max_audio_seconds: number | null
  /**
   * What an answer is expected to have at most where the request does not say; only for rate
   * limits.
   */
  estimate_output_tokens: number
  limits: Partial<Record<LimitName, number>>
}

export const DEFAULT_ESTIMATE = 1024

const unknown: Omit<ModelSettings, 'match'> = {
  prices: [],
  context_tokens: null,
  max_output_tokens: null,
  max_audio_seconds: null,
  estimate_output_tokens: DEFAULT_ESTIMATE,
  limits: {},
}

/** Most models that are remembered with what was found for them. */
const MOST_FOUND = 1000

export class ModelBook implements ModelLimits {
  readonly #exact: ReadonlyMap<string, ModelSettings>
  readonly #patterns: readonly { settings: ModelSettings; matches: (model: string) => boolean }[]
  readonly #offered: () => readonly string[]
  readonly #found = new Map<string, ModelSettings>()

  /** `offered` names the models that the upstreams serve, as far as they are known. */
  constructor(all: readonly ModelSettings[], offered: () => readonly string[]) {
    this.#offered = offered
    this.#exact = new Map(all.filter(({ match }) => !match.includes('*')).map((one) => [one.match, one]))
    this.#patterns = all
      .filter(({ match }) => match.includes('*'))
      .map((settings) => ({ settings, matches: patternOf(settings.match) }))
  }

  /**
   * What is said of a model: by its exact name, else by the first pattern that matches, else
   * nothing.
   */
  find(model: string): ModelSettings {
    const known = this.#found.get(model)
    if (known) return known
    const found = this.#exact.get(model) ?? this.#patterns.find(({ matches }) => matches(model))?.settings
    const settings = found ?? { match: model, ...unknown }
    if (this.#found.size >= MOST_FOUND) this.#found.clear()
    this.#found.set(model, settings)
    return settings
  }

  rows(): LimitRow[] {
    const others = this.#offered().filter((model) => this.find(model).match === model && !this.#exact.has(model))
    const named = [...this.#exact.values(), ...this.#patterns.map(({ settings }) => settings)]
    return [
      ...named.map(({ match, limits }) => ({ key: match, limits })),
      ...[...new Set(others)].toSorted().map((model) => ({ key: model, limits: {} })),
    ]
  }

  rowOf(model: string): LimitRow {
    const { match, limits } = this.find(model)
    return { key: match, limits }
  }
}
