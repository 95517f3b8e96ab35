/**
 * A model request on its way through the steps of `gateway-app.ts`: each step adds what it found
 * out.
 */
import type { ForwardedLine, RequestLine } from '../http/request-line.ts'
import type { BodyBudget, BodyReservation } from '../http/body-budget.ts'
import { beginExchange, report, type Exchange } from '../http/respond.ts'
import { loggablePath } from '../http/url.ts'
import type { World } from '../world/world.ts'
import type { Limits } from './body-reading.ts'
import type { Authorized, Authorizer, ProjectCaller, Wanted } from './caller.ts'
import type { Deadline, Deadlines } from './deadlines.ts'
import { toRecord, type RequestHeaders } from './headers.ts'
import { noBody, type ModelBody } from './model-body.ts'
import { outsideTarget } from './outside-paths.ts'
import type { Policies } from './policies/policies.ts'
import { noReservations, type Reservations } from './policies/reservations.ts'
import type { Drain } from './relay-stream.ts'
import type { ScanNames } from './scan-json.ts'
import type { SocketEnd } from './sockets/socket-relay.ts'
import { isSocket } from './sockets/upgrade.ts'
import { targetOf, unknownTarget, type Target } from './target.ts'
import type { Uploads } from './uploads.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

const IDLE_CONNECTION_SECONDS = 60

/** What all requests of one gateway share. */
export interface GatewayParts {
  world: World
  authorizer: Authorizer
  policies: Policies
  /** What is looked for in a body: `model`, and what the policies ask for. */
  names: ScanNames
  limits: Limits
  uploads: Uploads
  /** The memory for bodies, shared with administration. */
  bodies: BodyBudget
  deadlines: Deadlines
  log: ((line: RequestLine) => void) | undefined
  addressOf: (request: Request) => string | null
  idleLimit: (request: Request, seconds: number) => void
  upgrade: Upgrade | null
  drain: Drain
}

/** Makes a WebSocket of a request, with these headers in its answer; false where it cannot be. */
export type Upgrade = (request: Request, end: SocketEnd, headers: Record<string, string>) => boolean

/** An upstream that has begun to answer. */
export interface UpstreamResponse {
  upstream: Upstream
  response: Response
}

export class ModelRequest {
  readonly gateway: GatewayParts
  readonly request: Request
  readonly headers: RequestHeaders
  readonly target: Target
  /** Whether it opens a WebSocket that is relayed. */
  readonly isSocket: boolean
  readonly deadline: Deadline
  readonly exchange: Exchange
  readonly forwarded: ForwardedLine = {
    model: null,
    upstream: null,
    upstream_request_id: null,
    failed_attempts: null,
    upstream_milliseconds: null,
    ended: null,
  }
  /** As they were when the request arrived; null where none are configured. */
  readonly upstreams: Upstreams | null

  /** By the step `authenticate`: the key, in the form of an `Authorization` header. */
  credential: string | null = null
  authorized: Authorized | null = null
  /** By `readBody`. */
  body: ModelBody = noBody
  /** The memory that the body takes. */
  bodyMemory: BodyReservation | null = null
  /** By `applyPolicies`. */
  reservations: Reservations = noReservations
  /** By `chooseUpstreams`: in the order in which to try them. */
  candidates: readonly Upstream[] = []
  /** By `forward`. */
  answered: UpstreamResponse | null = null
  /** Ends the call to the upstream that is under way. */
  abort: () => void = () => {}
  /** The status of the last answer, also of one that is not passed on. */
  upstreamStatus: number | null = null
  /** Whether an upstream was sent the request. */
  wasForwarded = false
  /**
   * Whether one was that gave no answer, and may have worked for it. A proxy's answer that the
   * server behind it took too long is none.
   */
  wasLost = false
  /**
   * Why the request is being ended although its client and its upstream are well: its key died, or
   * the server stops.
   */
  revoked: unknown = null

  constructor(gateway: GatewayParts, request: Request, upstreams: Upstreams | null) {
    this.gateway = gateway
    this.request = request
    this.upstreams = upstreams
    this.headers = toRecord(request.headers)
    const targetFor = (method: string) =>
      targetOf(method, request.url) ??
      (upstreams && outsideTarget(upstreams.paths, method, request.url)) ??
      unknownTarget(loggablePath(request.url))
    const target = targetFor(request.method)
    this.isSocket = this.headers.upgrade !== undefined && isSocket(request.method, target.endpoint, this.headers)
    // What is done over a socket needs what a POST needs.
    this.target = this.isSocket ? { ...target, needed: targetFor('POST').needed } : target
    this.deadline = gateway.deadlines.begin(request.signal)
    this.exchange = beginExchange('gateway', request, gateway, {
      operation: this.target.operation,
      path: this.target.shown,
    })
    this.exchange.line.forwarded = this.forwarded
    this.exchange.line.ip_address = gateway.addressOf(request)
  }

  get caller(): ProjectCaller {
    if (!this.authorized) throw new Error('The request has no caller before its key was looked at.')
    return this.authorized.caller
  }

  /** What the key is shown for, when the body was read. */
  get wanted(): Wanted {
    return { permission: this.target.needed, model: this.body.model, request: this.request }
  }

  /** Headers of the answer that say whose key it was; none before that is known. */
  callerHeaders(): Record<string, string> {
    if (!this.authorized) return {}
    const { organization_id, project_id } = this.authorized.caller
    return { 'openai-organization': organization_id, 'openai-project': project_id }
  }

  /**
   * Lets go of everything, settles what policies have taken, and reports. Called once, when the
   * answer has ended.
   */
  finish(ended: ForwardedLine['ended']) {
    this.deadline.end()
    this.gateway.idleLimit(this.request, IDLE_CONNECTION_SECONDS)
    this.forwarded.ended = ended
    try {
      const { wasForwarded } = this
      this.reservations.settle({ ended, wasForwarded, status: this.#statusToSettle() })
    } catch (error) {
      this.exchange.line.cause ??= error
    }
    // Only now: policies may look at the body while they settle.
    this.body.close()
    this.bodyMemory?.release()
    report(this.exchange)
  }

  /** The refusal of one upstream does not say that another, which gave no answer, did no work. */
  #statusToSettle(): number | null {
    const isRefused = this.upstreamStatus !== null && this.upstreamStatus >= 300
    return this.wasLost && isRefused ? null : this.upstreamStatus
  }
}
