/**
 * Sixth step: asks the upstreams in turn until one answers with more than a refusal, or until one
 * failed that may have processed a request that must not run twice. When all refuse or fail, the
 * last answer is passed on.
 */
import { ApiError, badUpstream, upstreamTimeout, upstreamUnreachable } from '../../contract/errors.ts'
import { ClientLeft } from '../../http/respond.ts'
import { maskKeys } from '../../keys/format.ts'
import { attempt, mayRunTwice, wasNeverSent } from '../attempt.ts'
import type { ModelRequest, UpstreamResponse } from '../model-request.ts'
import { peek } from '../peek.ts'
import type { Upstream } from '../upstreams.ts'
import { authenticateAgain, watchKey } from './authenticate.ts'

const LONGEST_LOGGED_ID = 128

/**
 * Throws ApiError 502 and 504, whose causes are for the log, 401 and 403 if the key died, and
 * ClientLeft.
 */
export async function forward(call: ModelRequest): Promise<void> {
  const { request, deadline, gateway, candidates } = call
  const began = gateway.world.steady()
  let errorOf = upstreamUnreachable
  let refusal: UpstreamResponse | null = null
  for (const upstream of candidates) {
    if (request.signal.aborted) throw new ClientLeft()
    const decided = authenticateAgain(call)
    if (decided) await decided
    const statusBefore = call.upstreamStatus
    try {
      call.upstreamStatus = null
      const response = await askAgainWithoutRefused(call, upstream)
      call.wasForwarded = true
      call.upstreamStatus = response.status
      call.wasLost ||= isTimeOut(response.status)
      call.forwarded.upstream_milliseconds = Math.round((gateway.world.steady() - began) * 100) / 100
      const answered = { upstream, response }
      if (!isRefusal(call, answered)) {
        upstream.answered()
        drop(refusal)
        return answer(call, answered)
      }
      upstream.rest(response.headers)
      if (upstream === candidates.at(-1) && isPassable(response)) {
        drop(refusal)
        return answer(call, answered)
      }
      fail(call, whyNot(answered))
      errorOf = badUpstream
      const kept = await keep(answered)
      if (kept) drop(refusal)
      refusal = kept ?? refusal
    } catch (error) {
      const wasProcessed = !wasNeverSent(error) && !(error instanceof QuotaExhausted)
      if (wasProcessed) {
        call.wasForwarded = true
        call.wasLost ||= call.upstreamStatus === null
      } else call.upstreamStatus ??= statusBefore
      if (call.revoked) throw call.revoked
      if (error instanceof ApiError) throw error
      if (request.signal.aborted) throw new ClientLeft()
      errorOf = error instanceof QuotaExhausted ? badUpstream : deadline.expired ? upstreamTimeout : upstreamUnreachable
      const why = deadline.expired ? 'no answer in time' : (error as Error).message
      fail(call, `upstream "${upstream.config.name}": ${why}`)
      upstream.rest()
      if (!wasProcessed || mayRunTwice(call)) continue
      drop(refusal)
      refusal = null
      break
    }
  }
  if (!refusal) throw errorOf(call.forwarded.failed_attempts?.join('; '))
  return answer(call, refusal)
}

const fail = ({ forwarded }: ModelRequest, why: string) => (forwarded.failed_attempts ??= []).push(why)

/** The answer that is passed on. */
function answer(call: ModelRequest, answered: UpstreamResponse) {
  const { response, upstream } = answered
  if (!isPassable(response)) throw badUpstream(whyNot(answered))
  call.forwarded.upstream = upstream.config.name
  call.upstreamStatus = response.status
  const id = response.headers.get('x-request-id') ?? response.headers.get('request-id')
  call.forwarded.upstream_request_id = id && maskKeys(id).slice(0, LONGEST_LOGGED_ID)
  call.answered = answered
}

/** Whether the next upstream is asked after this answer. */
export function isRefusal(call: ModelRequest, { upstream, response: { status } }: UpstreamResponse) {
  if (status < 400) return false
  const { always, ifTwiceIsOnce } = upstream.config.fail_over
  return always.has(status) || (ifTwiceIsOnce.has(status) && mayRunTwice(call))
}

/**
 * A refusal, read to its end so that it can be passed on later; null for one that cannot be, is
 * long, or broke off.
 */
async function keep({ upstream, response }: UpstreamResponse): Promise<UpstreamResponse | null> {
  const peeked = await peek(response).catch(() => null)
  if (!peeked) return null
  const { text, response: kept } = peeked
  if (text !== null && isPassable(kept)) return { upstream, response: kept }
  if (text !== null) upstream.giveConnection()
  else await kept.body?.cancel().catch(() => {})
  return null
}

/** One that was kept and is not passed on. */
const drop = (refusal: UpstreamResponse | null) => refusal?.upstream.giveConnection()

/** A member for the usage of streams, and one for the length of the answer. */
const MOST_ADDED = 2

/** Again, where the upstream refuses what a policy has added to the request. */
async function askAgainWithoutRefused(call: ModelRequest, upstream: Upstream): Promise<Response> {
  const { reservations } = call
  for (let refused = 0; ; refused++) {
    const answer = await ask(call, upstream)
    const mayBeOurFault = (answer.status === 400 || answer.status === 422) && reservations.seesRefusals
    if (!mayBeOurFault && answer.status !== 429) return answer
    const { text, response } = await peek(answer)
    if (answer.status === 429) rejectExhausted(text ?? '')
    if (!mayBeOurFault || text === null || refused === MOST_ADDED || !reservations.isOurFault(text)) return response
    upstream.giveConnection()
  }
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
 * An answer to the gateway's own key can hold that key in its text; a redirect would lead to where
 * the operator did not send us. Neither is passed on, nor a number that HTTP does not know, which
 * `Response` would not take.
 */
export const isPassable = ({ status }: Response) =>
  !isAboutKey(status) && isStatus(status) && (status < 300 || status >= 400)

const isAboutKey = (status: number) => status === 401 || status === 403 || status === 407
const isStatus = (status: number) => status >= 200 && status <= 599

/**
 * Of a proxy, and Cloudflare's: the server behind it has the request, and gave no answer in time.
 */
const isTimeOut = (status: number) => status === 504 || status === 524

export function whyNot({ upstream, response: { status } }: UpstreamResponse): string {
  const said = `upstream "${upstream.config.name}" answered ${status}`
  if (isAboutKey(status)) return `${said} to its api_key`
  if (!isStatus(status)) return `${said}, which is no status of an answer`
  return status < 400 && status >= 300 ? `${said}, a redirect` : said
}
