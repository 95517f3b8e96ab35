/** A model request: who calls, for which model, to which upstream, and the answer on its way back. */
import {
  ApiError,
  badUpstream,
  internal,
  mismatchedOrganization,
  mismatchedProject,
  modelNotFound,
  noUpstream,
  unauthenticated,
  unknownRoute,
  upstreamTimeout,
  wrongMethod,
} from '../contract/errors.ts'
import { otherGatewayPermission } from '../contract/permissions.ts'
import { answerHeaders, errorBody, pathOf } from '../http/answer.ts'
import type { ForwardedLine, RequestLine } from '../http/request-line.ts'
import { holdsKey, maskKeys } from '../keys/format.ts'
import { newRequestId } from '../keys/random.ts'
import type { World } from '../keys/world.ts'
import { readModelBody, usualLimits, type Limits, type ModelBody } from './body.ts'
import type { Authorize, ProjectCaller } from './caller.ts'
import type { GatewayConfig } from './config.ts'
import { because, ClientLeft, forward, type Begun } from './forward.ts'
import { allOf, passHeaders, type Given } from './headers.ts'
import type { Send } from './models.ts'
import { passOn } from './pass-on.ts'
import { targetOf, type Target } from './target.ts'
import { Uploads } from './uploads.ts'
import { Upstreams } from './upstreams.ts'
import { Watch, type Waiting } from './watch.ts'

/** An answer whose length is known and not above this is read whole before it is passed on: that costs less than a stream. */
const SMALL = 64 * 1024
const IDLE_CONNECTION_SECONDS = 60
/** What stands in the log for a client that was gone before there was an answer; nobody receives it. */
const CLIENT_LEFT = 499

export interface GatewayContext {
  authorize: Authorize
  world: World
  send: Send
}

export interface GatewayOptions {
  log?: (line: RequestLine) => void
  /** The address of whoever called; null in process. */
  addressOf?: (request: Request) => string | null
  /** Bun's `server.timeout`: how long the connection of a request may be silent, 0 for any time. */
  idleLimit?: (request: Request, seconds: number) => void
  limits?: Partial<Limits>
}

export interface Gateway {
  fetch: (request: Request) => Promise<Response>
  /** Takes other upstreams from the next request on; null for none. Requests in flight stay where they are. */
  configure: (config: GatewayConfig | null) => void
  /** Requests that are not answered to the end, and those of them that are being streamed. */
  open: () => { requests: number; streams: number }
  /** The models that the configuration names without a `*`. */
  namedModels: () => ReadonlySet<string>
  stop: () => void
}

/** Everything below `/v1` that is not administration, forwarded to the upstreams of `config`. */
export function gatewayApp(
  { authorize, world, send }: GatewayContext,
  config: GatewayConfig | null,
  options: GatewayOptions = {},
): Gateway {
  const { log, addressOf = () => null, idleLimit = () => {} } = options
  const limits = { ...usualLimits, ...options.limits }
  const watch = new Watch()
  const uploads = new Uploads()
  let upstreams = config && new Upstreams(config, send)
  let streams = 0

  async function answer(request: Request): Promise<Response> {
    const began = performance.now()
    const target = targetOf(request.method, request.url)
    const given = allOf(request.headers)
    const forwarded: ForwardedLine = {
      model: null,
      upstream: null,
      upstream_milliseconds: null,
      ended: null,
    }
    const line: RequestLine = {
      request_id: newRequestId(world),
      half: 'gateway',
      method: request.method,
      path: target?.shown ?? pathOf(request.url),
      operation: target?.operation ?? null,
      status: 200,
      milliseconds: 0,
      organization_id: null,
      project_id: null,
      key_id: null,
      ip_address: addressOf(request),
      cause: undefined,
      forwarded,
    }
    const waiting = watch.begin(request.signal)
    let body: ModelBody | null = null
    const finish = (ended: ForwardedLine['ended']) => {
      waiting.end()
      body?.close()
      idleLimit(request, IDLE_CONNECTION_SECONDS)
      forwarded.ended = ended
      line.milliseconds = performance.now() - began
      log?.(line)
    }
    const headers = (caller: ProjectCaller | null) => {
      const all = answerHeaders(line.request_id, performance.now() - began)
      if (caller) {
        all['openai-organization'] = caller.organization_id
        all['openai-project'] = caller.project_id
      }
      return all
    }

    let caller: ProjectCaller | null = null
    let begun: Begun | null = null
    try {
      const asked = authorize(given.authorization ?? null, target?.needed ?? otherGatewayPermission)
      caller = asked instanceof Promise ? await asked : asked
      line.organization_id = caller.organization_id
      line.key_id = caller.key_id
      line.project_id = caller.project_id
      checkRequest(request, given, target, caller)
      if (!upstreams) throw noUpstream()

      if (target.operation === 'models' && request.method === 'GET') {
        const models = await modelsAnswer(upstreams, target.model)
        finish('whole')
        return new Response(JSON.stringify(models), { headers: headers(caller) })
      }

      idleLimit(request, 0)
      body = await readModelBody(request, given, uploads, limits, waiting)
      forwarded.model = body.model === null ? null : maskKeys(body.model).slice(0, 128)
      const serving = upstreams.inOrder(body.model)
      const order = serving instanceof Promise ? await serving : serving
      begun = await forward(send, request, given, target, body, order, waiting, forwarded)
      line.status = begun.response.status
      const all = headers(caller)
      passHeaders(begun.response.headers, all)
      const { status } = begun.response
      const content = await contentOf(begun, waiting, (ended) => {
        streams--
        finish(ended)
      })
      const response = new Response(content, { status, headers: all })
      // Only now: what throws up to here is counted and logged below, once.
      if (content instanceof ReadableStream) streams++
      else finish('whole')
      return response
    } catch (thrown) {
      begun?.abort()
      const left = thrown instanceof ClientLeft || request.signal.aborted
      const error = thrown instanceof ApiError ? thrown : internal(line.request_id)
      if (error.status >= 500 && !left) line.cause = thrown
      line.status = left ? CLIENT_LEFT : error.status
      finish(left ? 'client left' : null)
      const all = headers(caller)
      if (error.status === 405) all.allow = 'GET, POST, DELETE'
      return new Response(JSON.stringify(errorBody(error)), { status: error.status, headers: all })
    }
  }

  return {
    fetch: answer,
    configure(config) {
      const before = upstreams
      upstreams = config && new Upstreams(config, send, before ?? undefined)
      before?.stop()
    },
    open: () => ({ requests: watch.size, streams }),
    namedModels: () => upstreams?.named ?? none,
    stop: () => upstreams?.stop(),
  }
}

const none: ReadonlySet<string> = new Set()

/** What can be refused before the body is read. */
function checkRequest(
  { method, url }: Request,
  given: Given,
  target: Target | null,
  caller: ProjectCaller,
): asserts target is Target {
  const organization = given['openai-organization']
  const project = given['openai-project']
  if (organization && organization !== caller.organization_id) throw mismatchedOrganization()
  if (project && project !== caller.project_id) throw mismatchedProject()
  if (!target) throw unknownRoute(method, pathOf(url))
  if (holdsKey(target.search)) throw unauthenticated()
  if (method !== 'GET' && method !== 'POST' && method !== 'DELETE') throw wrongMethod(method, pathOf(url))
}

async function modelsAnswer(upstreams: Upstreams, id: string | null) {
  const data = await upstreams.models()
  if (id === null) return { object: 'list', data }
  const model = data.find((model) => model.id === id)
  if (!model) throw modelNotFound(maskKeys(id).slice(0, 128))
  return model
}

type Content = ArrayBuffer | ReadableStream<Uint8Array> | null

/** The body to answer with: whole if it is small, else as it comes; only that calls `onEnd`. */
async function contentOf(
  { response, upstream, abort }: Begun,
  waiting: Waiting,
  onEnd: (ended: ForwardedLine['ended']) => void,
): Promise<Content> {
  const { idle_milliseconds, name } = upstream.config
  const length = response.headers.get('content-length')
  if (length !== null && Number(length) <= SMALL) {
    waiting.allow(idle_milliseconds, abort)
    try {
      return await response.arrayBuffer()
    } catch (error) {
      throw waiting.isLate
        ? because(upstreamTimeout(), `upstream "${name}" fell silent in its answer`)
        : because(badUpstream(), `upstream "${name}" broke off: ${(error as Error).message}`)
    }
  }
  if (response.body === null) return null
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  return passOn(response.body, { idle_milliseconds, waiting, abort, onEnd, isEvents })
}
