/** The gateway: everything below `/v1` that is not administration, forwarded to the upstreams. */
import { serverStopping } from '../contract/gateway-errors.ts'
import { BodyBudget } from '../http/body-budget.ts'
import type { RequestLine } from '../http/request-line.ts'
import { ClientLeft, failure, render } from '../http/respond.ts'
import type { World } from '../world/world.ts'
import { defaultLimits, type Limits } from './body-reading.ts'
import type { Authorizer } from './caller.ts'
import { Deadlines } from './deadlines.ts'
import { ModelBook } from './meter/model-book.ts'
import { inShapeOfMessages, isForMessages } from './messages-errors.ts'
import { ModelRequest, type GatewayParts, type Upgrade } from './model-request.ts'
import { isOutsidePath } from './outside-paths.ts'
import type { Policies } from './policies/policies.ts'
import { scanNames } from './scan-json.ts'
import { applyPolicies } from './steps/apply-policies.ts'
import { authenticate } from './steps/authenticate.ts'
import { checkHeaders } from './steps/check-headers.ts'
import { chooseUpstreams } from './steps/choose-upstreams.ts'
import { forward } from './steps/forward.ts'
import { asksForModels, listModels } from './steps/list-models.ts'
import { openSocket } from './steps/open-socket.ts'
import { readBody } from './steps/read-body.ts'
import { relay } from './steps/relay.ts'
import { Uploads } from './uploads.ts'
import type { GatewayConfig } from './upstream-config.ts'
import { Upstreams, type Upstream } from './upstreams.ts'

export interface GatewayContext {
  authorizer: Authorizer
  policies: Policies
  world: World
}

export interface GatewayOptions {
  log?: (line: RequestLine) => void
  /** The address of the client; null in process. */
  addressOf?: (request: Request) => string | null
  /** Bun's `server.timeout`: how long the connection of a request may be silent, 0 for any time. */
  idleLimit?: (request: Request, seconds: number) => void
  /** Makes a WebSocket of a request; without it there are none. */
  upgrade?: Upgrade
  limits?: Partial<Limits>
  /** The memory for bodies, shared with administration. */
  bodies?: BodyBudget
  /** How long a stream is read on after its client has left. */
  drainMilliseconds?: number
}

export class Gateway {
  readonly #parts: GatewayParts
  readonly #streams = { open: 0 }
  readonly #sockets = { open: 0 }
  #upstreams: Upstreams | null
  #models: ModelBook

  /** `config` says where model requests go; null for nowhere. */
  constructor(context: GatewayContext, config: GatewayConfig | null, options: GatewayOptions = {}) {
    const { world, policies } = context
    const { log, addressOf = () => null, idleLimit = () => {}, bodies = new BodyBudget(), upgrade = null } = options
    this.#parts = {
      ...context,
      names: scanNames(policies.members, policies.nested, policies.fields),
      limits: { ...defaultLimits, ...options.limits },
      uploads: new Uploads(),
      bodies,
      deadlines: new Deadlines(world),
      log,
      addressOf,
      idleLimit,
      upgrade,
      drain: { milliseconds: options.drainMilliseconds ?? 0, open: new Set() },
    }
    this.#upstreams = serving(config) && new Upstreams(config!, world)
    this.#models = this.#bookOf(config)
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const call = new ModelRequest(this.#parts, request, this.#upstreams)
    try {
      return await this.#steps(call)
    } catch (thrown) {
      return fail(call, thrown)
    }
  }

  /**
   * The steps of a model request, in this order. Those that mostly have nothing to wait for answer
   * a promise only where they have: `await` takes a turn of the event loop's queue each time.
   */
  async #steps(call: ModelRequest): Promise<Response> {
    const authenticated = authenticate(call)
    if (authenticated) await authenticated
    checkHeaders(call)
    if (call.isSocket) return openSocket(call, { streams: this.#streams, sockets: this.#sockets })
    const read = readBody(call)
    if (read) await read
    const permitted = applyPolicies(call)
    if (permitted) await permitted
    if (asksForModels(call)) return listModels(call)
    const chosen = chooseUpstreams(call)
    if (chosen) await chosen
    await forward(call)
    return relay(call, this.#streams)
  }

  /**
   * Takes other upstreams from the next request on; null for none. Requests under way keep theirs.
   */
  configure(config: GatewayConfig | null) {
    const before = this.#upstreams
    this.#upstreams = serving(config) && new Upstreams(config!, this.#parts.world, before ?? undefined)
    before?.stop()
    this.#models = this.#bookOf(config)
  }

  readonly #bookOf = (config: GatewayConfig | null) =>
    new ModelBook(
      config?.models ?? [],
      () => this.#upstreams?.all.flatMap((one) => one.models().map(({ id }) => id)) ?? [],
    )

  /**
   * Requests that are not answered to the end, those of them whose answer is being streamed, and
   * those that have become WebSockets.
   */
  open() {
    return { requests: this.#parts.deadlines.size, streams: this.#streams.open, sockets: this.#sockets.open }
  }

  /** Whether a URL is for a path outside `/v1` that the configuration names. */
  readonly hasPath = (url: string) => this.#upstreams !== null && isOutsidePath(this.#upstreams.paths, url)

  /** What the configuration says of models. */
  models(): ModelBook {
    return this.#models
  }

  /** Whether every upstream was asked for its models; true where there is none to ask. */
  get knowsUpstreams(): boolean {
    return this.#upstreams?.all.every(({ wasAsked }) => wasAsked) ?? true
  }

  /** All of them, in the order of the configuration. */
  upstreams(): readonly Upstream[] {
    return this.#upstreams?.all ?? []
  }

  /** The upstream that the configuration gives this name. */
  upstream(name: string): Upstream | undefined {
    return this.#upstreams?.all.find(({ config }) => config.name === name)
  }

  /** The models that the configuration names without a `*`. */
  namedModels(): ReadonlySet<string> {
    return this.#upstreams?.named ?? none
  }

  /** The server stops: model requests under way are ended with an error that says so. */
  endRequests() {
    this.#parts.deadlines.stop(serverStopping())
  }

  stop() {
    for (const end of this.#parts.drain.open) end()
    this.#upstreams?.stop()
  }
}

/** A configuration may have models and no upstreams. */
const serving = (config: GatewayConfig | null) => (config && config.upstreams.length > 0 ? true : null)

const none: ReadonlySet<string> = new Set()

function fail(call: ModelRequest, thrown: unknown): Response {
  call.abort()
  const left = thrown instanceof ClientLeft || call.request.signal.aborted
  const answer = failure(call.exchange, left ? new ClientLeft() : thrown, call.callerHeaders())
  if (isForMessages(call.target)) inShapeOfMessages(answer, call.exchange.line.request_id)
  const response = render(call.exchange, answer)
  call.finish(left ? 'client left' : call.revoked ? call.deadline.whyEnded : null)
  return response
}
