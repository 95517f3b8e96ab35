/**
 * A project asks for no service tier that is not enabled, and gets its default where it asks for
 * none.
 */
import { invalid } from '../../contract/errors.ts'
import { serviceTierOff } from '../../contract/limit-errors.ts'
import { hasBody } from '../request-methods.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { Policy } from './policy.ts'

const MEMBER = 'service_tier'
/** The paths whose requests may name a tier. */
const TIERED = ['/chat/completions', '/responses']
/** The default as requests have it. */
const WIRE = { standard: 'default', fast: 'priority', scale: 'scale' } as const
/** Two names that requests have for the same tier. */
const aliases: Record<string, string> = { default: 'standard', standard_only: 'standard', priority: 'fast' }

export const serviceTierSettings: Policy = {
  name: 'service tiers',
  withoutModel: 'applies',
  members: [MEMBER],
  reserve({ caller, body, method, endpoint }) {
    const { tiers } = caller.limits
    if (tiers === null || body === null || body.kind === 'none') return null
    const asked = requireTier(caller, body)
    if (asked === null && body.kind === 'json' && hasBody(method) && TIERED.includes(endpoint ?? ''))
      body.set(MEMBER, JSON.stringify(WIRE[tiers.default]))
    return null
  },
}

/**
 * The tier that the body asks for; null for none and for `auto`. Throws 403 where it is not
 * enabled.
 */
export function requireTier({ project_id, limits: { tiers } }: ProjectCaller, body: ModelBody): string | null {
  const asked = tierIn(body)
  if (tiers === null || asked === null) return asked
  const tier = aliases[asked] ?? asked
  const { default: usual, enabled_tiers } = tiers
  if (tier === 'standard' || tier === usual || enabled_tiers === 'all') return asked
  if ((enabled_tiers as string[]).includes(tier)) return asked
  throw serviceTierOff(project_id, asked)
}

function tierIn(body: ModelBody): string | null {
  const value = body.member(MEMBER)
  if (value === undefined) return null
  const tier: unknown = body.kind === 'json' ? parsed(value) : value
  if (tier === null || tier === 'auto') return null
  if (typeof tier !== 'string')
    throw invalid(`Invalid type for '${MEMBER}': expected a string.`, MEMBER, 'invalid_type')
  return tier
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw invalid('We could not parse the JSON body of your request.', null, null)
  }
}
