/** Finds the federation rule that lets a verified token stand for a service account. */
import type { FederationRuleRow, IdentityProviderRow } from '../../database/identity-tables.ts'
import type { Sql } from '../../database/types.ts'
import type { Peppers } from '../../keys/digest.ts'
import { hasTrustMac } from '../../keys/trust-mac.ts'
import { compile, type Attribute } from './cel-expression.ts'
import { invalidGrant } from './oauth-error.ts'

/**
 * The oldest enabled rule for the service account whose matchers all hold. Throws OAuthError that
 * says what did not match.
 */
export async function matchingRule(
  sql: Sql,
  peppers: Peppers,
  provider: IdentityProviderRow,
  service_account_id: string,
  claims: Record<string, unknown>,
): Promise<FederationRuleRow> {
  const rows = await sql
    .selectFrom('federation_rules')
    .selectAll()
    .where('organization_id', '=', provider.organization_id)
    .where('provider_id', '=', provider.id)
    .where('service_account_id', '=', service_account_id)
    .where('enabled', '=', 1)
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const rules = rows.filter((row) => hasTrustMac(peppers, 'federation_rules', row))
  if (rules.length === 0) throw invalidGrant('The provider has no enabled federation rule for this service_account_id.')
  const attributeOf = attributesOf(provider, claims)
  const unmatched: string[] = []
  for (const rule of rules) {
    const wrong = await firstUnmatched(rule, attributeOf)
    if (wrong === null) return rule
    unmatched.push(`${rule.id} (${wrong})`)
  }
  throw invalidGrant(`The subject token matches no federation rule for this service account: ${list(unmatched)}.`)
}

const MOST_NAMED = 5
const list = (all: string[]) => all.slice(0, MOST_NAMED).join(', ') + (all.length > MOST_NAMED ? ', …' : '')

type AttributeOf = (name: string) => Promise<Attribute | undefined>

/** The name of the first attribute that does not have its value; null where all do. */
async function firstUnmatched({ attribute_matchers }: FederationRuleRow, attributeOf: AttributeOf) {
  const matchers = Object.entries(JSON.parse(attribute_matchers) as Record<string, Attribute>)
  for (const [name, value] of matchers) if ((await attributeOf(name)) !== value) return name
  return matchers.length === 0 ? 'no matchers' : null
}

/**
 * An attribute is what its transformation computes, or the claim of that name. A transformation
 * that has no value hides the claim: the rule must not match what its author did not mean.
 */
function attributesOf(
  { attribute_transformations }: IdentityProviderRow,
  claims: Record<string, unknown>,
): AttributeOf {
  const all = JSON.parse(attribute_transformations) as { attribute: string; expression: string }[]
  /** Each is computed once for a token, however many rules ask for it. */
  const computed = new Map<string, Promise<Attribute | undefined>>()
  const compute = async (expression: string) => (await compile(expression))(claims)
  return async (name) => {
    const known = computed.get(name)
    if (known) return known
    const transformed = all.find(({ attribute }) => attribute === name)
    if (transformed) {
      const value = compute(transformed.expression)
      computed.set(name, value)
      return value
    }
    const claim = Object.hasOwn(claims, name) ? claims[name] : undefined
    return ['string', 'boolean', 'number'].includes(typeof claim) ? (claim as Attribute) : undefined
  }
}
