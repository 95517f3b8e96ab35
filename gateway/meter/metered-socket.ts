/**
 * A realtime session: its opening is one request under the rate limits, and each response of the
 * model, and each transcript of what the client said, is counted with the usage that its event
 * says.
 */
import { sessionWithoutBound } from '../../contract/gateway-errors.ts'
import type { Admission } from '../../ledger/admission.ts'
import type { Ask } from '../../ledger/ask.ts'
import { seconds } from '../../world/world.ts'
import type { ProjectCaller } from '../caller.ts'
import { LONGEST_MODEL } from '../scan-json.ts'
import type { End, PolicyRequest, Reservation } from '../policies/policy.ts'
import { textsIn } from '../policies/texts-in.ts'
import { admit } from './admit.ts'
import type { CallContext } from './call-wish.ts'
import { hasSpendLimit, requireModel, whose } from './caller-limits.ts'
import { reportedIn } from './count.ts'
import { realtime, transcriptions, type Endpoint } from './endpoints.ts'
import { priceAt } from './price.ts'
import { addRateLimitHeaders } from './rate-limit-headers.ts'
import { termsOf, type Terms } from './terms.ts'
import { of, type Members } from './usage-numbers.ts'
import { requestedNothing, useOf } from './use.ts'
import { requestWindows } from './windows.ts'

const DONE = 'response.done'
/** The second is that of vLLM and Mistral. */
const transcribed = ['conversation.item.input_audio_transcription.completed', 'transcription.done']
/** In the events of an upstream that are read. */
const read = [DONE, ...transcribed, 'session.created', 'session.updated'].map((type) => Buffer.from(`${type}"`))
/** In those of a client, which may write letters by their numbers. */
const readOfClient = ['transcription', 'session.update"', String.raw`\u`].map((text) => Buffer.from(text))

/** Throws 400 where what it costs would have to be known before. */
export function reserveSocket(context: CallContext, request: PolicyRequest) {
  const model = request.model ?? ''
  const termsFor = (caller: ProjectCaller, endpoint: Endpoint, model: string): Terms =>
    termsOf(caller, endpoint, model, context.models(), seconds(context.world))
  return admit(context, request, {
    ask(caller) {
      requireModel(caller, model)
      const { price, hasSpendLimit, limits, limit_key, series } = termsFor(caller, realtime, model)
      if (price && hasSpendLimit) throw sessionWithoutBound()
      return { ...whose(caller), windows: requestWindows(limits, limit_key), limits: noLimits, bound: 0, series }
    },
    reservation: (admission, caller) =>
      new MeteredSocket(context, admission, model, (endpoint, used) => termsFor(caller, endpoint, used)),
  })
}

/** Throws 400 under a spend limit for a message of a client that names a model with a price. */
export function requireNoPriceIn(context: CallContext, caller: ProjectCaller, text: () => string) {
  if (!hasSpendLimit(caller)) return
  for (const model of textsIn(text(), 'model'))
    if (priceAt(context.models().find(model).prices, seconds(context.world))) throw sessionWithoutBound()
}

const noLimits = { organization: null, project: null }

/** As they are when something is counted: a price may have begun since. */
type TermsNow = (endpoint: Endpoint, model: string) => Terms

class MeteredSocket implements Reservation {
  readonly #context: CallContext
  readonly #admission: Admission
  readonly #model: string
  readonly #termsNow: TermsNow
  #upstream = ''
  /** The model that transcribes, as the upstream and as the client named it last. */
  #transcriber: string | null = null
  #wanted: string | null = null

  constructor(context: CallContext, admission: Admission, model: string, termsNow: TermsNow) {
    this.#context = context
    this.#admission = admission
    this.#model = model
    this.#termsNow = termsNow
  }

  addHeaders(headers: Record<string, string>) {
    addRateLimitHeaders(headers, this.#admission)
  }

  beforeSending(upstream: string) {
    this.#upstream = upstream
  }

  message(message: Buffer) {
    const event = eventIn(message, read)
    if (event === null) return
    if (event.type === DONE) this.#count(event, realtime, this.#model)
    else if (transcribed.includes(String(event.type)))
      this.#count(event, transcriptions, this.#transcriber ?? this.#wanted ?? this.#model)
    else this.#transcriber = transcriberIn(event, /^(transcription_)?session\.(created|updated)$/) ?? this.#transcriber
  }

  clientMessage(message: Buffer) {
    const event = eventIn(message, readOfClient)
    if (event !== null) this.#wanted = transcriberIn(event, /^(transcription_)?session\.update$/) ?? this.#wanted
  }

  settle({ wasForwarded, status }: End) {
    if (wasForwarded && status === 101) this.#admission.end()
    else this.#admission.release()
  }

  #count(event: Members, endpoint: Endpoint, model: string) {
    const reported = reportedIn(event, endpoint)
    if (reported === null) return
    const { ledger, warnings } = this.#context
    const { price, series } = this.#termsNow(endpoint, model)
    const { organization_id, project_id } = series
    const own = useOf(reported, false, { endpoint, requested: requestedNothing, price, series })
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

/** The event, if one of these stands in it. */
function eventIn(message: Buffer, texts: readonly Buffer[]): Members | null {
  if (!texts.some((text) => message.includes(text))) return null
  try {
    return of(JSON.parse(message.toString()))
  } catch {
    return null
  }
}

/** The model that transcribes by an event of such a type; null where it names none. */
function transcriberIn(event: Members, types: RegExp): string | null {
  if (typeof event.type !== 'string' || !types.test(event.type)) return null
  const session = of(event.session)
  // The second is the form of the beta, and vLLM's events have no session.
  const transcription = of(of(session.audio).input).transcription ?? session.input_audio_transcription
  const { model } = event.session === undefined ? event : of(transcription)
  return typeof model === 'string' && model !== '' ? model.slice(0, LONGEST_MODEL) : null
}
