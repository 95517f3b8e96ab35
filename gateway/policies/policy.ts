/**
 * What a policy is: a rule of the operator about model requests, in a file of its own in this
 * folder.
 */
import type { RequestLine } from '../../http/request-line.ts'
import type { ProjectCaller, Wanted } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'

/**
 * All members but the first two are left out where the policy has no use for them; what is left out
 * costs nothing.
 */
export interface Policy {
  name: string
  /**
   * Whether it has a say in requests that name no model, such as files, batches and `GET /models`.
   * With 'skipped', neither `permit` nor `reserve` is called for them, nor for `/verify` where it
   * is not told a model.
   */
  withoutModel: 'applies' | 'skipped'
  /**
   * Names at the top level of a JSON body, or of fields of a form, that it reads. Found in the same
   * pass as `model`.
   */
  members?: readonly string[]
  /**
   * Names of fields of a form that it reads; what is longer than 1 KiB is refused. Without them,
   * `members`.
   */
  fields?: readonly string[]
  /** Names at any depth of a JSON body; `body.nested` holds those that are there. */
  nested?: readonly string[]

  /**
   * Throws ApiError to refuse. It must answer at once and change nothing, because it is asked
   * several times: when the request arrives (`model` is then undefined), again before each attempt
   * to forward it, and by `/verify`.
   */
  permit?: (caller: ProjectCaller, wanted: Wanted) => void

  /**
   * Called once, when the request was read and before anything is forwarded. Takes what the request
   * will use, or throws ApiError to refuse. While policies answer without a promise, no other
   * request comes between them; a refusal settles what those before it have taken.
   */
  reserve?: (request: PolicyRequest) => Reservation | null | Promise<Reservation | null>

  /**
   * Throws ApiError to refuse a message of a client in a WebSocket: it is then not passed on.
   * `text` answers the message; who has nothing to refuse to this caller does not ask for it.
   */
  message?: (caller: ProjectCaller, text: () => string) => void

  /** Whether `GET /models` shows a model to this caller, and `GET /models/{model}` finds it. */
  showsModel?: (caller: ProjectCaller, model: string) => boolean
}

/** A request as policies see it. */
export interface PolicyRequest extends Wanted {
  caller: ProjectCaller
  /**
   * `verify` where another proxy asks and forwards by itself: then nothing is known of the
   * request's body and end.
   */
  component: 'gateway' | 'verify'
  method: string
  /** The first segment below `/v1` if it is a known one, else `other`; null at `/verify`. */
  operation: string | null
  /** Below `/v1`, with its leading slash; null at `/verify`. */
  path: string | null
  /** Whether it opens a WebSocket. */
  isSocket: boolean
  /** The same decoded and in lower case: what routers take for one path is one here. */
  endpoint: string | null
  request_id: string
  /** What was read, and a way to change it. Null at `/verify`. */
  body: ModelBody | null
  /**
   * The caller as it is now: what its project may do can change while a policy waits. Throws as for
   * a new request.
   */
  readCallerAgain: () => ProjectCaller | Promise<ProjectCaller>
  /** Asks the upstream that the request goes to. Null at `/verify`. */
  askUpstream: ((path: string) => Promise<Response>) | null
  /** Throws where the policies do not permit this model to the caller. Null at `/verify`. */
  permitModel: ((model: string) => void) | null
}

/** What a policy has taken for one request. */
export interface Reservation {
  /**
   * Called once, however the request ends, also when the client or the process of the upstream
   * left.
   */
  settle: (end: End) => void
  /** Adds headers to the answer; called when its head is sent. */
  addHeaders?: (headers: Record<string, string>) => void
  /**
   * Called with the name of an upstream before each attempt to send it the request: may change the
   * body.
   */
  beforeSending?: (upstream: string) => void
  /**
   * Sees what an upstream refuses with 400 or 422. True where that is for what `beforeSending`
   * changed: the request is then sent to it once more.
   */
  isOurFault?: (refusal: string) => boolean
  /** Sees each whole event of an event stream, its empty line included. False drops the event. */
  event?: (event: Uint8Array) => boolean
  /**
   * For a policy that need not see every event: where in these events, from there on, the next byte
   * is whose event it must see; negative where none is. It gets the others by `events`, several at
   * a time, and they go on; the bytes may not be kept without a copy. Without both, `event` is
   * called with each.
   */
  nextEvent?: (events: Uint8Array, from: number) => number
  events?: (events: Uint8Array) => void
  /**
   * Sees the bytes of any other answer as they pass, and of an event above 64 KiB; they may not be
   * kept without a copy.
   */
  piece?: (bytes: Uint8Array) => void
  /** Sees each message of an upstream in a WebSocket; it may not be kept without a copy. */
  message?: (message: Buffer) => void
  /** The same with each message of the client that is passed on. */
  clientMessage?: (message: Buffer) => void
  /**
   * Called instead of `piece` with an answer that is short and no event stream, all of it. Without
   * it, `piece` is called. The bytes may not be kept without a copy.
   */
  whole?: (bytes: Buffer) => void
}

export interface End {
  /**
   * How the answer ended; null if there was none: refused before or by the upstream's silence.
   * `verified` at `/verify`, where the end is not known.
   */
  ended: NonNullable<RequestLine['forwarded']>['ended'] | 'verified'
  /** Whether an upstream was sent the request, and so may have worked for it. */
  wasForwarded: boolean
  /**
   * The status of the upstream's answer, also of one that is not passed on. Null without one, and
   * where one upstream gave none and another refused.
   */
  status: number | null
}
