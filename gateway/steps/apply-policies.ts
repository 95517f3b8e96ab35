/** Fourth step: each policy refuses the request, or takes what it will use. */
import { upstreamUnreachable } from '../../contract/errors.ts'
import { ClientLeft } from '../../http/respond.ts'
import { askUpstream } from '../ask-upstream.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { ModelRequest } from '../model-request.ts'
import type { PolicyRequest } from '../policies/policy.ts'
import { authenticateAgain } from './authenticate.ts'

export function applyPolicies(call: ModelRequest): void | Promise<void> {
  // What the key may do, and what its project may use, can have changed while the body arrived.
  const decided = authenticateAgain(call)
  return decided ? decided.then(() => reserve(call)) : reserve(call)
}

function reserve(call: ModelRequest): void | Promise<void> {
  const taken = call.gateway.policies.reserve(new RequestForPolicies(call))
  if (taken instanceof Promise) return taken.then((late) => void (call.reservations = late))
  call.reservations = taken
}

/** A class, so that a request without anything to ask for makes no functions. */
class RequestForPolicies implements PolicyRequest {
  readonly component = 'gateway'
  readonly caller: ProjectCaller
  readonly permission: string
  readonly model: string | null
  readonly request: Request
  readonly method: string
  readonly operation: string | null
  readonly path: string | null
  readonly endpoint: string | null
  readonly request_id: string
  readonly body: ModelBody
  readonly isSocket: boolean
  readonly #call: ModelRequest

  constructor(call: ModelRequest) {
    const { caller, target, body, request, exchange } = call
    this.#call = call
    this.caller = caller
    this.permission = target.needed
    this.model = body.model
    this.request = request
    this.method = request.method
    this.operation = target.operation
    this.path = target.path
    this.endpoint = target.endpoint
    this.request_id = exchange.line.request_id
    this.body = body
    this.isSocket = call.isSocket
  }

  askUpstream(path: string) {
    return askForInput(this.#call, path)
  }

  permitModel(model: string) {
    const { gateway, caller, wanted } = this.#call
    gateway.policies.permit(caller, { ...wanted, model })
  }

  readCallerAgain() {
    const call = this.#call
    const again = authenticateAgain(call)
    return again ? again.then(() => call.caller) : call.caller
  }
}

/**
 * What a request refers to is read with the same patience as an upload, from the upstream that the
 * request goes to then.
 */
async function askForInput(call: ModelRequest, path: string): Promise<Response> {
  const { gateway, deadline, request } = call
  const [upstream] = await call.upstreams!.inOrder(call.body.model)
  call.candidates = [upstream!]
  const controller = new AbortController()
  call.abort = () => controller.abort()
  deadline.set(gateway.limits.upload_milliseconds, call.abort)
  try {
    return await askUpstream(gateway.world, upstream!, path, controller.signal)
  } catch (error) {
    if (request.signal.aborted) throw new ClientLeft()
    throw upstreamUnreachable(`upstream "${upstream!.config.name}": ${(error as Error).message}`)
  }
}
