/** Third step: reads the body to its end, and finds the model in it. */
import { invalid } from '../../contract/errors.ts'
import { maskKeys } from '../../keys/format.ts'
import { readModelBody } from '../body.ts'
import { endpointOf } from '../meter/endpoints.ts'
import type { ModelBody } from '../model-body.ts'
import type { ModelRequest } from '../model-request.ts'
import { modelInQuery } from '../unread-bodies.ts'

const LONGEST_LOGGED_MODEL = 128

export function readBody(call: ModelRequest): void | Promise<void> {
  const { request, headers, target, deadline, gateway } = call
  const { world, idleLimit, uploads, bodies, limits, names } = gateway
  // Deadlines of our own say in words what Bun's limit for silent connections would say by closing
  // them.
  idleLimit(request, 0)
  const memory = (call.bodyMemory = bodies.open(call.caller.key_id))
  const read = readModelBody({ world, request, headers, target, deadline, uploads, memory, limits, names })
  return read instanceof Promise ? read.then((body) => keep(call, body)) : keep(call, read)
}

function keep(call: ModelRequest, body: ModelBody) {
  call.body = body
  const { deployment } = call.target
  if (deployment !== null) body.useModel(deployment)
  if (call.target.search !== '' && body.kind !== 'none') requireSameModel(call, body)
  const { model } = body
  call.forwarded.model = model === null ? null : maskKeys(model).slice(0, LONGEST_LOGGED_MODEL)
}

/** Some servers take the model that the query names before the one in the body, as LiteLLM does. */
function requireSameModel({ request, target }: ModelRequest, { model }: ModelBody) {
  const named = modelInQuery(target.search)
  if (named === null || named === model) return
  if (model !== null || endpointOf(request.method, target.endpoint))
    throw invalid("The query names another 'model' than the body.", 'model')
}
