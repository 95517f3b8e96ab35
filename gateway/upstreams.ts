/** The upstreams as they stand: which serves a model, which is asked next, which did not answer lately. */
import { modelNotFound, upstreamUnreachable } from '../contract/errors.ts'
import type { GatewayConfig, UpstreamConfig } from './config.ts'
import { askModels, type Model, type Send } from './models.ts'

const REFRESH_MILLISECONDS = 60_000
const ASK_AGAIN_MILLISECONDS = 1_000
const REST_MILLISECONDS = 5_000
const MUTE_AFTER_MILLISECONDS = 1_000

export class Upstream {
  readonly config: UpstreamConfig
  /** A proxy that the environment names is for the network, not for this machine. */
  readonly route: { proxy?: false }
  readonly #patterns: Pattern[] | null
  /** What its `/models` said; null as long as it has said nothing. */
  listed: ReadonlyMap<string, Model> | null = null
  /** Let the last question for its models hang: nobody waits for the next answer. */
  isMute = false
  /** Did not answer: until then others are asked first. */
  restsUntil = 0
  /** What the weights have come to (smooth weighted round robin). */
  credit = 0
  #asked = -Infinity
  #asking: Promise<void> | null = null

  constructor(config: UpstreamConfig) {
    this.config = config
    this.route = /^https?:\/\/(localhost|127\.|\[::1\])/.test(config.base_url) ? { proxy: false } : {}
    this.#patterns = config.models?.map(patternOf) ?? null
  }

  /** True, false, or null while it is not known. */
  serves(model: string): boolean | null {
    if (this.#patterns) return this.#patterns.some((pattern) => pattern(model))
    return this.listed ? this.listed.has(model) : null
  }

  /** The models to show: names from the configuration as they are, patterns by what the upstream says. */
  models(): Model[] {
    const named = (this.config.models ?? []).filter((name) => !name.includes('*'))
    const listed = [...(this.listed?.values() ?? [])].filter(({ id }) => this.serves(id))
    const known = new Set(listed.map(({ id }) => id))
    const missing = named.filter((name) => !known.has(name))
    return [...listed, ...missing.map((id) => ({ id, object: 'model', created: 0, owned_by: this.config.name }))]
  }

  /** Whether there is something that only the upstream knows. */
  get mustAsk() {
    return this.config.models?.every((name) => !name.includes('*')) !== true
  }

  /** Asks for its models unless that was done a moment ago. Never throws: what it said last stays. */
  ask(send: Send): Promise<void> {
    if (this.#asking) return this.#asking
    if (performance.now() - this.#asked < ASK_AGAIN_MILLISECONDS) return Promise.resolve()
    const began = performance.now()
    this.#asking = askModels(send, this.config, this.route)
      .then((models) => {
        if (models) this.listed = models
        this.isMute = !models && performance.now() - began > MUTE_AFTER_MILLISECONDS
      })
      .finally(() => {
        this.#asked = performance.now()
        this.#asking = null
      })
    return this.#asking
  }

  /** Keeps what another one knew about the same upstream. */
  inherit(other: Upstream) {
    this.listed = other.listed
    this.restsUntil = other.restsUntil
    this.isMute = other.isMute
  }
}

export class Upstreams {
  readonly all: readonly Upstream[]
  /** The models that the configuration names. */
  readonly named: ReadonlySet<string>
  readonly #send: Send
  readonly #timer: ReturnType<typeof setInterval>

  constructor(config: GatewayConfig, send: Send, before?: Upstreams) {
    this.#send = send
    this.all = config.upstreams.map((one) => {
      const upstream = new Upstream(one)
      const same = before?.all.find(({ config }) => config.base_url === one.base_url)
      if (same) upstream.inherit(same)
      return upstream
    })
    const models = config.upstreams.flatMap(({ models }) => models ?? [])
    this.named = new Set(models.filter((name) => !name.includes('*')))
    void this.refresh()
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MILLISECONDS)
    this.#timer.unref()
  }

  stop() {
    clearInterval(this.#timer)
  }

  /** Asks every upstream that must be asked for its models, and waits for those that are likely to answer. */
  async refresh() {
    const asked = this.all.filter((upstream) => upstream.mustAsk)
    const answers = asked.map((upstream) => ({ isAwaited: !upstream.isMute, answer: upstream.ask(this.#send) }))
    await Promise.all(answers.filter(({ isAwaited }) => isAwaited).map(({ answer }) => answer))
  }

  /** The upstreams for a model, in the order in which to try them. Throws 404 when none serves it. */
  inOrder(model: string | null): Upstream[] | Promise<Upstream[]> {
    if (model === null) return [this.all.find(({ config }) => config.is_default) ?? this.all[0]!]
    const known = this.#serving(model)
    return known.length === 0 ? this.#askAgain(model) : known.length === 1 ? known : ordered(known)
  }

  async #askAgain(model: string) {
    // A model that was loaded since we asked: ask again before saying that it does not exist.
    await this.refresh()
    const now = this.#serving(model)
    if (now.length > 0) return ordered(now)
    const silent = this.all.filter((upstream) => upstream.serves(model) === null)
    if (silent.length === 0) throw modelNotFound(model.slice(0, 128))
    return ordered(silent)
  }

  #serving(model: string) {
    const serving: Upstream[] = []
    for (const upstream of this.all) if (upstream.serves(model) === true) serving.push(upstream)
    return serving
  }

  /** All models, each once: the first upstream that has one describes it. Throws 502 when no upstream has answered yet. */
  async models(): Promise<Model[]> {
    if (this.all.some((upstream) => upstream.mustAsk && !upstream.listed)) await this.refresh()
    const merged = new Map<string, Model>()
    for (const upstream of this.all)
      for (const model of upstream.models()) if (!merged.has(model.id)) merged.set(model.id, model)
    if (merged.size === 0 && this.all.every((upstream) => !upstream.listed)) throw upstreamUnreachable()
    return [...merged.values()]
  }
}

/** The next one by weight first, then the others; those that did not answer lately last. */
function ordered(upstreams: Upstream[]): Upstream[] {
  const now = performance.now()
  const rank = (one: Upstream) => (one.restsUntil > now ? 2 : one.config.weight === 0 ? 1 : 0)
  const best = Math.min(...upstreams.map(rank))
  const choice = upstreams.filter((one) => rank(one) === best)
  const total = choice.reduce((sum, { config }) => sum + config.weight, 0)
  let next = choice[0]!
  for (const one of choice) {
    one.credit += one.config.weight
    if (one.credit > next.credit) next = one
  }
  next.credit -= total
  return [next, ...upstreams.filter((one) => one !== next).toSorted((one, other) => rank(one) - rank(other))]
}

export const rest = (upstream: Upstream) => {
  upstream.restsUntil = performance.now() + REST_MILLISECONDS
}

type Pattern = (model: string) => boolean

/**
 * `*` stands for any characters, also none. What stands between the stars is sought piece by piece, each from where the last one ended, so
 * that a caller's model costs no more than its length: a regular expression would go back and try again.
 */
function patternOf(text: string): Pattern {
  const [first = '', ...middle] = text.split('*')
  const last = middle.pop()
  if (last === undefined) return (model) => model === text
  return (model) => {
    if (!model.startsWith(first)) return false
    let at = first.length
    for (const piece of middle) {
      const found = model.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return model.length - last.length >= at && model.endsWith(last)
  }
}
