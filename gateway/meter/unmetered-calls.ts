/**
 * Calls that are not metered, where a limit depends on their model: those that run none are
 * forwarded, and of the others those whose model is known, and has no price under a spend limit.
 */
import { callWithoutBound } from '../../contract/limit-errors.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { PolicyRequest } from '../policies/policy.ts'
import { scanJson, scanNames } from '../scan-json.ts'
import { dependsOnModel, hasSpendLimit, requireModel, requireOneModel } from './caller-limits.ts'
import type { ModelBook } from './model-book.ts'
import { dearest, priceAt, type Price } from './price.ts'

/** Calls that cost nothing, or what is in no price of a model. */
const runNoModel: readonly RegExp[] = [
  /^\/(?:files|uploads|vector_stores|containers|assistants|skills|vaults)(?:\/|$)/,
  /^\/(?:webhook_endpoints|content_provenance_checks|audio\/voices|audio\/voice_consents)(?:\/|$)/,
  /^\/models(?:\/(?:un)?load)?$/,
  /^\/conversations(?:\/[^/]+(?:\/items(?:\/[^/]+)?)?)?$/,
  /^\/threads(?!\/runs$)(?:\/[^/]+)?$/,
  /^\/threads\/[^/]+\/(?:messages(?:\/[^/]+)?|runs\/[^/]+(?:\/cancel)?)$/,
  /^\/(?:responses|batches|messages\/batches|chatkit\/sessions)\/[^/]+\/cancel$/,
  /^\/(?:realtime\/calls|live\/sessions)\/[^/]+\/(?:hangup|refer|reject)$/,
  // vLLM has `/chat/completions/batch`.
  /^\/chat\/completions\/chatcmpl[-_][^/]+$/,
  /^\/(?:chat\/)?completions\/render$/,
  /^\/evals(?:\/[^/]+(?:\/runs\/[^/]+)?)?$/,
  /^\/fine_tuning\/(?:checkpoints\/.+|jobs\/[^/]+\/(?:cancel|pause)|alpha\/graders\/validate)$/,
  /^\/(?:tokenize|detokenize|apply-template|props|slots\/[^/]+|lora-adapters|api\/show|responses\/input_tokens|messages\/count_tokens)$/,
]
/** Calls that name their models where nobody looks. */
const hideModels: readonly RegExp[] = [
  /^\/(?:messages\/batches$|(?:agents|chatkit|live)(?:\/|$)|realtime\/(?!calls$)|evals\/[^/]+\/runs$)/,
  // What was begun before goes on with its model.
  /^\/(?:videos\/|conversations\/|threads\/[^/]+\/runs\/|fine_tuning\/(?:alpha|jobs)\/)/,
  // The path names one, as `/models/{model}:generateContent` and `/engines/{model}/completions`.
  /\/(?:models?|engines|deployments)\//,
]
const graders = scanNames([], ['grader'])
const conversations = scanNames(['inputs', 'metadata'], [])

/**
 * Throws 400 where a limit depends on what the call does and nobody can say that: for a call whose
 * model is not known, and under a spend limit for a model with a price. `now` is in Unix seconds.
 */
export function requireUnlimited(request: PolicyRequest, models: ModelBook, now: number) {
  const { caller, model = null } = request
  if (!dependsOnModel(caller)) return
  const path = request.endpoint ?? ''
  if (runNoModel.some((free) => free.test(path)) && !isAnswered(path, request.body)) return
  if (request.body) requireOneModel(caller, request.body)
  requireNoPrice(caller, requireModel(caller, hidesModel(path, request.body) ? null : model), models, now)
}

/** Whether a conversation is one of Mistral's API, where a model answers it. */
function isAnswered(path: string, body: ModelBody | null): boolean {
  if (body?.kind !== 'json' || !/^\/conversations(?:\/[^/]+)?$/.test(path)) return false
  const { members } = scanJson(body.content() as Uint8Array, conversations)
  return members.has('inputs') || (path !== '/conversations' && !members.has('metadata'))
}

function hidesModel(path: string, body: ModelBody | null): boolean {
  if (hideModels.some((hidden) => hidden.test(path))) return true
  // Unless the body is SDP, and the query names the model, it stands in the field `session`.
  if (path === '/realtime/calls') return body?.kind !== 'unread'
  if (path !== '/fine_tuning/jobs' || body?.kind !== 'json') return false
  // A grader is, or names, a model of its own.
  return scanJson(body.content() as Uint8Array, graders).nested.size > 0
}

/** Throws 400 under a spend limit for a model with a price. */
export function requireNoPrice(caller: ProjectCaller, model: string, models: ModelBook, now: number) {
  if (!hasSpendLimit(caller)) return
  const price = priceAt(models.find(model).prices, now)
  if (price && !isFree(price)) throw callWithoutBound()
}

function isFree(price: Price): boolean {
  const { input, output, image, minute, character } = dearest(price, 1000)
  return input + output + image + minute + character === 0
}
