/** The upstreams: which serves a model, which is asked next, which failed lately. */
import { modelNotFound, upstreamUnreachable } from '../contract/errors.ts'
import { holdsKey } from '../keys/format.ts'
import type { GatewayConfig, UpstreamConfig } from './upstream-config.ts'
import type { World } from '../world/world.ts'
import { restOf } from './fail-over.ts'
import { KeptConnections } from './kept-connections.ts'
import { askModels, type Model } from './models.ts'
import { rootOf } from './outside-paths.ts'
import { patternOf, type Pattern } from './patterns.ts'

const REFRESH_MILLISECONDS = 60_000
const ASK_AGAIN_MILLISECONDS = 1_000
const MODELS_TIME_OUT_MILLISECONDS = 1_000

export class Upstream {
  readonly config: UpstreamConfig
  readonly #world: World
  /** Leaves out the proxy that the environment names where the upstream is on this machine. */
  readonly route: { proxy?: false }
  /** Where paths outside `/v1` are. */
  readonly root: string
  readonly #patterns: Pattern[] | null
  readonly #origin: string
  readonly #kept: KeptConnections
  /** The last answer of its `/models`; null as long as there was none. */
  listed: ReadonlyMap<string, Model> | null = null
  /** Whether it answered what it was asked last, a request or for its models; null before that. */
  answers: boolean | null = null
  /** The last GET /models took over a second and failed: requests do not wait for the next one. */
  modelsTimedOut = false
  /** It failed: until then, by the steady clock, others are asked first. */
  restsUntil = 0
  /** How often it failed in a row; failures during a rest are not counted. */
  failures = 0
  /** Its current weight in smooth weighted round robin. */
  credit = 0
  #asked = -Infinity
  #asking: Promise<void> | null = null

  /** `kept` is shared by upstreams that may be at one address. */
  constructor(config: UpstreamConfig, world: World, kept = new KeptConnections()) {
    this.config = config
    this.#world = world
    this.#kept = kept
    this.root = rootOf(config.base_url)
    this.#origin = new URL(config.base_url).origin
    this.route = /^https?:\/\/(localhost|127\.|\[::1\])/.test(config.base_url) ? { proxy: false } : {}
    this.#patterns = config.models?.map(patternOf) ?? null
  }

  /** True, false, or null while it is not known. */
  serves(model: string): boolean | null {
    if (this.#patterns) return this.#patterns.some((pattern) => pattern(model))
    return this.listed ? this.listed.has(model) : null
  }

  /**
   * The models to list: those that the configuration names, and those of the upstream that match
   * its patterns.
   */
  models(): Model[] {
    const named = (this.config.models ?? []).filter((name) => !name.includes('*'))
    const listed = [...(this.listed?.values() ?? [])].filter(({ id }) => this.serves(id))
    const known = new Set(listed.map(({ id }) => id))
    const missing = named.filter((name) => !known.has(name))
    return [...listed, ...missing.map((id) => ({ id, object: 'model', created: 0, owned_by: this.config.name }))]
  }

  /** Whether the configuration leaves open which models it has. */
  get mustAsk() {
    return this.config.models?.every((name) => !name.includes('*')) !== true
  }

  /** Whether it is known which models it has, as far as it says so. */
  get wasAsked() {
    return !this.mustAsk || this.listed !== null || this.#asked > -Infinity
  }

  /**
   * Asks for its models unless that was done within the last second. Never throws; without an
   * answer, the last one stays.
   */
  ask(): Promise<void> {
    if (this.#asking) return this.#asking
    const began = this.#world.steady()
    if (began - this.#asked < ASK_AGAIN_MILLISECONDS) return Promise.resolve()
    this.takeConnection()
    this.#asking = askModels(this.#world, this.config, this.route)
      .then((models) => {
        this.answers = models !== null
        if (models) {
          this.listed = models
          this.giveConnection()
        }
        this.modelsTimedOut = !models && this.#world.steady() - began > MODELS_TIME_OUT_MILLISECONDS
      })
      .finally(() => {
        this.#asked = this.#world.steady()
        this.#asking = null
      })
    return this.#asking
  }

  /** A request is being sent: whether it may go over a connection that was used before. */
  takeConnection(): boolean {
    return this.#kept.take(this.#origin)
  }

  /** An answer was read to its end. */
  giveConnection() {
    this.#kept.give(this.#origin)
  }

  /** It failed, or refused with these headers: for some time others are asked first. */
  rest(headers: Headers | null = null) {
    this.answers = false
    const now = this.#world.steady()
    if (this.restsUntil <= now) this.failures++
    const until = now + restOf(this.failures, headers, this.#world.now())
    this.restsUntil = Math.max(this.restsUntil, until)
  }

  /** It answered a request. A rest goes on: the request may have been sent before it. */
  answered() {
    this.answers = true
    this.failures = 0
  }

  /** Takes over what is known of the same upstream from before its configuration changed. */
  inherit(other: Upstream) {
    this.listed = other.listed
    this.answers = other.answers
    this.restsUntil = other.restsUntil
    this.failures = other.failures
    this.modelsTimedOut = other.modelsTimedOut
  }
}

export class Upstreams {
  readonly all: readonly Upstream[]
  /** Paths outside `/v1` that are forwarded too. */
  readonly paths: ReadonlySet<string>
  /** The models that the configuration names. */
  readonly named: ReadonlySet<string>
  readonly #world: World
  readonly #kept: KeptConnections
  /** Gets the models that no upstream is known to serve. */
  readonly #open: Upstream | null
  readonly #timer: ReturnType<typeof setInterval>

  constructor(config: GatewayConfig, world: World, before?: Upstreams) {
    this.#world = world
    this.#kept = before ? before.#kept : new KeptConnections()
    this.all = config.upstreams.map((one) => {
      const upstream = new Upstream(one, world, this.#kept)
      const same = before?.all.find(({ config }) => config.base_url === one.base_url)
      if (same) upstream.inherit(same)
      return upstream
    })
    this.paths = new Set(config.paths)
    const models = config.upstreams.flatMap(({ models }) => models ?? [])
    this.named = new Set(models.filter((name) => !name.includes('*')))
    const only = this.all.length === 1 ? this.all[0]! : this.all.find(({ config }) => config.is_default)
    this.#open = only?.config.models === null ? only : null
    void this.refresh()
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MILLISECONDS)
    this.#timer.unref()
  }

  stop() {
    clearInterval(this.#timer)
  }

  /**
   * Asks every upstream that must be asked for its models, and waits for those that are likely to
   * answer.
   */
  async refresh() {
    const asked = this.all.filter((upstream) => upstream.mustAsk)
    const answers = asked.map((upstream) => ({ isAwaited: !upstream.modelsTimedOut, answer: upstream.ask() }))
    await Promise.all(answers.filter(({ isAwaited }) => isAwaited).map(({ answer }) => answer))
  }

  /**
   * The upstreams for a model, in the order in which to try them. A model that none is known to
   * serve is for the one whose configuration leaves open what it serves: the only upstream, or the
   * default. Throws 404 where there is none such, and for a key in the place of a model, which no
   * upstream should see.
   */
  inOrder(model: string | null): Upstream[] | Promise<Upstream[]> {
    if (model === null) return [this.all.find(({ config }) => config.is_default) ?? this.all[0]!]
    const known = this.#serving(model)
    return known.length === 0 ? this.#askAgain(model) : known.length === 1 ? known : ordered(known, this.#world)
  }

  async #askAgain(model: string) {
    // It may have been loaded since we asked.
    const asked = this.refresh()
    // Where there is no choice, nobody waits for the answer.
    if (this.all.length > 1 || !this.#open) await asked
    const now = this.#serving(model)
    if (now.length > 0) return ordered(now, this.#world)
    const silent = this.all.filter((upstream) => upstream.serves(model) === null)
    if (silent.length > 0) return ordered(silent, this.#world)
    if (this.#open && !holdsKey(model)) return [this.#open]
    throw modelNotFound(model.slice(0, 128))
  }

  #serving(model: string) {
    const serving: Upstream[] = []
    for (const upstream of this.all) if (upstream.serves(model) === true) serving.push(upstream)
    return serving
  }

  /**
   * All models, each once: the first upstream that has one describes it. Throws 502 when no
   * upstream has answered yet.
   */
  async models(): Promise<Model[]> {
    if (this.all.some((upstream) => upstream.mustAsk && !upstream.listed)) await this.refresh()
    const merged = new Map<string, Model>()
    for (const upstream of this.all)
      for (const model of upstream.models()) if (!merged.has(model.id)) merged.set(model.id, model)
    if (merged.size === 0 && this.all.every((upstream) => !upstream.listed)) throw upstreamUnreachable()
    return [...merged.values()]
  }
}

/**
 * The next one by weight first, then the others; those that rest come last, and of them the one
 * first whose rest is over first.
 */
function ordered(upstreams: Upstream[], world: World): Upstream[] {
  const now = world.steady()
  const rank = (one: Upstream) => (one.restsUntil > now ? 2 : one.config.weight === 0 ? 1 : 0)
  const best = Math.min(...upstreams.map(rank))
  if (best === 2) return upstreams.toSorted((one, other) => one.restsUntil - other.restsUntil)
  const choice = upstreams.filter((one) => rank(one) === best)
  const total = choice.reduce((sum, { config }) => sum + config.weight, 0)
  let next = choice[0]!
  for (const one of choice) {
    one.credit += one.config.weight
    if (one.credit > next.credit) next = one
  }
  next.credit -= total
  const others = upstreams.filter((one) => one !== next)
  return [next, ...others.toSorted((one, other) => rank(one) - rank(other) || one.restsUntil - other.restsUntil)]
}
