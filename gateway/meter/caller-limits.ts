/**
 * What limits require of a request before it is admitted: its model and the most that it can cost
 * must be known.
 */
import { modelNeeded, modelNeedsSetting, oneModelOnly, type ModelSize } from '../../contract/limit-errors.ts'
import type { Ask } from '../../ledger/ask.ts'
import type { Series } from '../../ledger/usage-counts.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import { isGiven } from './named-numbers.ts'
import type { Price } from './price.ts'

export const hasSpendLimit = ({ limits: { spend } }: ProjectCaller) =>
  spend.organization !== null || spend.project !== null

export const whose = ({ organization_id, project_id }: ProjectCaller) => ({ organization_id, project_id })

/**
 * Throws 400 if a request names no model and a limit depends on it: the upstream would choose one.
 */
export function requireModel(caller: ProjectCaller, model: string | null): string {
  if (!model && dependsOnModel(caller)) throw modelNeeded()
  return model ?? ''
}

/** Whether a limit depends on the model of a request. */
export const dependsOnModel = (caller: ProjectCaller) => caller.limits.models !== null || hasSpendLimit(caller)

/**
 * Members that name models which OpenRouter and LiteLLM take where the first one fails. The last
 * holds members that LiteLLM puts in the place of others.
 */
export const otherModels = [
  'models',
  'fallbacks',
  'context_window_fallbacks',
  'content_policy_fallbacks',
  'context_window_fallback_dict',
  'extra_body',
] as const

/** Throws 400 if a request names other models and a limit depends on its model. */
export function requireOneModel(caller: ProjectCaller, body: ModelBody) {
  if (!dependsOnModel(caller)) return
  for (const name of otherModels) if (isGiven(body.member(name))) throw oneModelOnly(name)
}

/**
 * What is held for one batch without a spend limit: $100,000 at most. Clients can name any
 * numbers, and the database must be able to add up what thousands of batches hold.
 */
const MOST_HELD = 1e14

/**
 * Nano-dollars that a request costs at most. Under a spend limit that must be known: throws 400
 * naming the setting that is missing. `match` is the model's entry in the configuration.
 */
export function requireBound(
  caller: ProjectCaller,
  price: Price | null,
  bound: number | null,
  match: string,
  missing: ModelSize,
): Pick<Ask, 'bound' | 'isUnbounded'> {
  if (price === null) return { bound: 0 }
  if (bound !== null) return { bound: hasSpendLimit(caller) ? bound : Math.min(bound, MOST_HELD) }
  if (hasSpendLimit(caller)) throw modelNeedsSetting(match, missing)
  return { bound: 0, isUnbounded: true }
}

/** Under zero data retention no usage is ever written that names a person, or the key of one. */
const isNamed = ({ owner_type, limits }: ProjectCaller) => owner_type !== 'user' || !limits.isZeroRetention

export const seriesOf = (caller: ProjectCaller, kind: Series['kind'], model: string, price: Price | null): Series => ({
  organization_id: caller.organization_id,
  project_id: caller.project_id,
  user_id: isNamed(caller) ? caller.owner_id : '',
  // Usage of access tokens is counted under the rule that issues them, because they live an hour at
  // most.
  api_key_id: isNamed(caller) ? (caller.rule_id ?? caller.key_id) : '',
  kind,
  model,
  service_tier: '',
  batch: 0,
  detail: '',
  estimated: 0,
  priced: price ? 1 : 0,
})
