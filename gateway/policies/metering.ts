/**
 * Counts what each request uses, and keeps it under the rate limits and spend limits of its
 * project: what it may use at most is taken from the ledger before it is forwarded, and what it did
 * use put in its place after.
 */
import { admit } from '../meter/admit.ts'
import { reserveBatch } from '../meter/batches.ts'
import { CallWish, type CallContext } from '../meter/call-wish.ts'
import { seriesOf, whose } from '../meter/caller-limits.ts'
import { endpointOf, fields, members, nested } from '../meter/endpoints.ts'
import { WatchedResult } from '../meter/metered-batch.ts'
import { requireNoPriceIn, reserveSocket } from '../meter/metered-socket.ts'
import { addRateLimitHeaders } from '../meter/rate-limit-headers.ts'
import type { ResultWatch } from '../meter/result-watch.ts'
import { requireUnlimited } from '../meter/unmetered-calls.ts'
import { limitsOf, requestWindows } from '../meter/windows.ts'
import { hasBody } from '../request-methods.ts'
import { seconds } from '../../world/world.ts'
import type { ProjectCaller } from '../caller.ts'
import type { End, Policy, PolicyRequest } from './policy.ts'

export interface MeteringContext extends CallContext {
  results: ResultWatch
}

export const metering = (context: MeteringContext): Policy => ({
  name: 'metering',
  withoutModel: 'applies',
  members,
  fields,
  nested,
  reserve(request) {
    const { component, method, endpoint, path, body } = request
    if (component === 'verify') return reserveRequest(context, request, ({ ended }) => ended === 'verified')
    if (request.isSocket) return reserveSocket(context, request)
    if (hasBody(method) && endpoint === '/batches') return reserveBatch(context, request)
    const metered = endpointOf(method, endpoint)
    if (metered && body && body.kind !== 'none')
      return admit(context, request, new CallWish(context, request, metered, body))
    const result_id = resultIn(method, path)
    if (result_id !== null) return new WatchedResult(result_id, context.results)
    if (!hasBody(method)) return null
    requireUnlimited(request, context.models(), seconds(context.world))
    // What is not metered, such as counting tokens, is a request all the same.
    return reserveRequest(context, request, (end) => end.wasForwarded)
  },
  message: (caller, text) => requireNoPriceIn(context, caller, text),
})

/**
 * The id of a batch or a response whose state the answer tells: to a question for it, or when it is
 * cancelled.
 */
function resultIn(method: string, path: string | null): string | null {
  const [, id = null, cancel] = /^\/(?:batches|responses)\/([\w-]{1,200})(\/cancel)?$/.exec(path ?? '') ?? []
  return hasBody(method) && cancel === undefined ? null : id
}

/** Counts requests alone: where nothing is known of the body and of the answer, as at `/verify`. */
function reserveRequest(context: MeteringContext, request: PolicyRequest, counts: (end: End) => boolean) {
  const { caller, component, model } = request
  if (typeof model !== 'string') return null
  const windowsOf = (caller: ProjectCaller) => {
    const row = context.models().rowOf(model)
    return requestWindows(limitsOf(caller, row), row.key)
  }
  if (windowsOf(caller).length === 0) return null
  return admit(context, request, {
    ask: (caller) => ({
      ...whose(caller),
      windows: windowsOf(caller),
      limits: noLimits,
      bound: 0,
      series: seriesOf(caller, 'completions', model, null),
    }),
    reservation: (admission) => ({
      settle: (end) => (counts(end) ? admission.end() : admission.release()),
      ...(component === 'gateway' && { addHeaders: (headers) => addRateLimitHeaders(headers, admission) }),
    }),
  })
}

const noLimits = { organization: null, project: null }
