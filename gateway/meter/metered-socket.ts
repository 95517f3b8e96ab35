/**
 * A realtime session: its opening is one request under the rate limits, and each response that the
 * model gives in it is counted with the usage that its `response.done` says.
 */
import { sessionWithoutBound } from '../../contract/gateway-errors.ts'
import type { Admission } from '../../ledger/admission.ts'
import type { Ask } from '../../ledger/ask.ts'
import { seconds } from '../../world/world.ts'
import type { ProjectCaller } from '../caller.ts'
import type { End, PolicyRequest, Reservation } from '../policies/policy.ts'
import { admit } from './admit.ts'
import type { CallContext } from './call-wish.ts'
import { requireModel, whose } from './caller-limits.ts'
import { reportedIn, type Reported } from './count.ts'
import { realtime } from './endpoints.ts'
import { addRateLimitHeaders } from './rate-limit-headers.ts'
import { termsOf } from './terms.ts'
import { requestedNothing, useOf } from './use.ts'
import { requestWindows } from './windows.ts'

const DONE = Buffer.from('"response.done"')

/** Throws 400 where what it costs would have to be known before. */
export function reserveSocket(context: CallContext, request: PolicyRequest) {
  const model = requireModel(request.caller, request.model ?? null)
  const terms = (caller: ProjectCaller) => termsOf(caller, realtime, model, context.models(), seconds(context.world))
  return admit(context, request, {
    ask(caller) {
      const { price, hasSpendLimit, limits, limit_key, series } = terms(caller)
      if (price && hasSpendLimit) throw sessionWithoutBound()
      return { ...whose(caller), windows: requestWindows(limits, limit_key), limits: noLimits, bound: 0, series }
    },
    reservation: (admission, caller) => new MeteredSocket(context, admission, () => ({ ...terms(caller), model })),
  })
}

const noLimits = { organization: null, project: null }

class MeteredSocket implements Reservation {
  readonly #context: CallContext
  readonly #admission: Admission
  readonly #terms: () => ReturnType<typeof termsOf> & { model: string }
  #upstream = ''

  constructor(context: CallContext, admission: Admission, terms: MeteredSocket['terms']) {
    this.#context = context
    this.#admission = admission
    this.#terms = terms
  }

  /** As they are when a response is done: a price may have begun since. */
  get terms() {
    return this.#terms
  }

  addHeaders(headers: Record<string, string>) {
    addRateLimitHeaders(headers, this.#admission)
  }

  beforeSending(upstream: string) {
    this.#upstream = upstream
  }

  message(message: Buffer) {
    if (!message.includes(DONE)) return
    const event = parsed(message)
    if (event?.type !== 'response.done') return
    const reported = reportedIn(event, realtime)
    if (reported) this.#count(reported)
  }

  settle({ wasForwarded, status }: End) {
    if (wasForwarded && status === 101) this.#admission.end()
    else this.#admission.release()
  }

  #count(reported: Reported) {
    const { ledger, warnings } = this.#context
    const { price, series, model } = this.#terms()
    const { organization_id, project_id } = series
    const own = useOf(reported, false, { endpoint: realtime, requested: requestedNothing, price, series })
    // Without a limit it is admitted at once: it has been used already.
    const ask: Ask = { organization_id, project_id, windows: [], limits: noLimits, bound: 0, isUnbounded: true, series }
    const settle = (admission: Admission) => admission.settle(own.counts, { series: own.series })
    const admitted = ledger.admit(ask)
    if (admitted instanceof Promise) void admitted.then(settle)
    else settle(admitted)
    if (!price) warnings.unpriced(model)
    warnings.impossible(this.#upstream, model, reported.impossible)
  }
}

function parsed(message: Buffer): Record<string, unknown> | null {
  try {
    const event: unknown = JSON.parse(message.toString())
    return typeof event === 'object' ? (event as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}
