/**
 * Calls that are not metered, under a spend limit: those that run no model are forwarded, and of
 * the others those whose model has no price.
 */
import { callWithoutBound } from '../../contract/limit-errors.ts'
import type { ProjectCaller } from '../caller.ts'
import type { PolicyRequest } from '../policies/policy.ts'
import { hasSpendLimit, requireModel } from './caller-limits.ts'
import type { ModelBook } from './model-book.ts'
import { dearest, priceAt, type Price } from './price.ts'

/** Calls that cost nothing, or what is in no price of a model. */
const runNoModel: readonly RegExp[] = [
  /^\/(?:files|uploads|vector_stores|containers|conversations|assistants|skills|vaults|models)(?:\/|$)/,
  /^\/(?:webhook_endpoints|content_provenance_checks|audio\/voices|audio\/voice_consents)(?:\/|$)/,
  /^\/threads(?!\/runs$)(?:\/[^/]+)?$/,
  /^\/threads\/[^/]+\/(?:messages(?:\/[^/]+)?|runs\/[^/]+(?:\/cancel)?)$/,
  /^\/(?:responses|batches|messages\/batches)\/[^/]+\/cancel$/,
  /^\/chat\/completions\/[^/]+$/,
  /^\/evals(?:\/[^/]+(?:\/runs\/[^/]+)?)?$/,
  /^\/fine_tuning\/(?:checkpoints\/.+|jobs\/[^/]+\/[^/]+)$/,
  /^\/(?:tokenize|detokenize|apply-template|props|slots\/[^/]+|lora-adapters|responses\/input_tokens|messages\/count_tokens)$/,
]
/** Calls that name their models where nobody looks. */
const hideModels =
  /^\/(?:messages\/batches$|(?:agents|chatkit|live)(?:\/|$)|realtime\/(?!calls$)|evals\/[^/]+\/runs$|fine_tuning\/alpha\/)/

/**
 * Throws 400 where a limit depends on what the call does and nobody can say that: for a call whose
 * model is not known, and under a spend limit for a model with a price. `now` is in Unix seconds.
 */
export function requireUnlimited({ caller, endpoint, model }: PolicyRequest, models: ModelBook, now: number) {
  const path = endpoint ?? ''
  if (runNoModel.some((free) => free.test(path))) return
  requireNoPrice(caller, requireModel(caller, hideModels.test(path) ? null : (model ?? null)), models, now)
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
