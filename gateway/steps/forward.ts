/**
 * Sixth step: asks the upstreams in turn until one begins to answer, or until one failed that may
 * have processed a request that must not run twice.
 */
import { ApiError, badUpstream, upstreamTimeout, upstreamUnreachable } from '../../contract/errors.ts'
import { ClientLeft } from '../../http/respond.ts'
import { attempt, mayRunTwice, wasNeverSent } from '../attempt.ts'
import type { ModelRequest } from '../model-request.ts'
import { peek } from '../peek.ts'
import type { Upstream } from '../upstreams.ts'
import { authenticateAgain, watchKey } from './authenticate.ts'

/**
 * Throws ApiError 502 and 504, whose causes are for the log, 401 and 403 if the key died, and
 * ClientLeft.
 */
export async function forward(call: ModelRequest): Promise<void> {
  const { request, deadline, gateway } = call
  const began = gateway.world.steady()
  const failures: string[] = []
  let errorOf = upstreamUnreachable
  for (const upstream of call.candidates) {
    if (request.signal.aborted) throw new ClientLeft()
    const decided = authenticateAgain(call)
    if (decided) await decided
    try {
      const response = await askOnceOrTwice(call, upstream)
      call.wasForwarded = true
      call.upstreamStatus = response.status
      call.forwarded.upstream_milliseconds = Math.round((gateway.world.steady() - began) * 100) / 100
      refuseUnpassable(response, upstream.config.name)
      call.answered = { upstream, response }
      return
    } catch (error) {
      const wasProcessed = !wasNeverSent(error) && !(error instanceof QuotaExhausted)
      if (wasProcessed) call.wasForwarded = true
      if (call.revoked) throw call.revoked
      if (error instanceof ApiError) throw error
      if (request.signal.aborted) throw new ClientLeft()
      errorOf = error instanceof QuotaExhausted ? badUpstream : deadline.expired ? upstreamTimeout : upstreamUnreachable
      const why = deadline.expired ? 'no answer in time' : (error as Error).message
      failures.push(`upstream "${upstream.config.name}": ${why}`)
      upstream.coolDown()
      if (wasProcessed && !mayRunTwice(call)) break
    }
  }
  throw errorOf(failures.join('; '))
}

/** Once more, where the upstream refuses what a policy has added to the request. */
async function askOnceOrTwice(call: ModelRequest, upstream: Upstream): Promise<Response> {
  const { reservations } = call
  const answer = await ask(call, upstream)
  const mayBeOurFault = (answer.status === 400 || answer.status === 422) && reservations.seesRefusals
  if (!mayBeOurFault && answer.status !== 429) return answer
  const { text, response } = await peek(answer)
  if (answer.status === 429) rejectExhausted(text ?? '')
  if (!mayBeOurFault || text === null || !reservations.isOurFault(text)) return response
  upstream.giveConnection()
  return ask(call, upstream)
}

/**
 * The account of the operator at the upstream has no money left. The caller must not take that for
 * the spend limit of the project, which has the same code.
 */
class QuotaExhausted extends Error {}

const quotaCode =
  /"(insufficient_quota|billing_hard_limit_reached|credit_balance_exhausted|\w+_(?:spend|usage)_limit_exceeded)"/

function rejectExhausted(answer: string) {
  const code = quotaCode.exec(answer)?.[1]
  if (code !== undefined) throw new QuotaExhausted(`answered 429 ${code}`)
}

/** One upstream: it has its time for the first byte, and the key is watched meanwhile. */
function ask(call: ModelRequest, upstream: Upstream): Promise<Response> {
  const controller = new AbortController()
  call.abort = () => controller.abort()
  call.forwarded.upstream = upstream.config.name
  call.deadline.set(upstream.config.first_byte_milliseconds, call.abort)
  call.reservations.beforeSending(upstream.config.name)
  watchKey(call, (error) => {
    call.revoked = error
    call.abort()
  })
  return attempt(call, upstream, controller.signal)
}

/**
 * A refusal concerns the gateway's own key, and its text can hold that key; a redirect would lead
 * to where the operator did not send us. Neither is passed on, nor a number that HTTP does not
 * know, which `Response` would not take.
 */
function refuseUnpassable({ status }: Response, name: string) {
  const refused = status === 401 || status === 403 || status === 407
  const isStatus = status >= 200 && status <= 599
  if (!refused && isStatus && (status < 300 || status >= 400)) return
  const why = refused ? ' to its api_key' : isStatus ? ', a redirect' : ', which is no status of an answer'
  throw badUpstream(`upstream "${name}" answered ${status}${why}`)
}
