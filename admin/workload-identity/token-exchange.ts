/**
 * Exchanges the token of a workload for an access token. Until its signature was verified nothing
 * is asked of the database; the rule is then looked for without a lock, and once more in the change
 * that issues the access token.
 */
import type { IdentityProviderRow } from '../../database/identity-tables.ts'
import type { Database, Sql } from '../../database/types.ts'
import { digest } from '../../keys/digest.ts'
import { makeKey } from '../../keys/format.ts'
import { limitsOf } from '../../keys/project-limits.ts'
import type { KeyRing } from '../../keys/ring.ts'
import { hasTrustMac, withTrustMac } from '../../keys/trust-mac.ts'
import { newId } from '../../world/random.ts'
import { seconds, type World } from '../../world/world.ts'
import { appendEvents, lockOrganization, notBefore, type Actor, type RecordedEvent } from '../audit-chain.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { KnownProviders } from './known-providers.ts'
import { matchingRule } from './matching-rule.ts'
import { invalidGrant } from './oauth-error.ts'
import type { TokenRequest } from './token-request.ts'
import { verifySubjectToken, type Claims } from './verify-subject-token.ts'

export const LONGEST_LIFE_SECONDS = 3600
const LONGEST_SUBJECT = 255

export interface ExchangeContext {
  database: Database
  keys: KeyRing
  world: World
  providers: KnownProviders
  issuerKeys: IssuerKeys
}

export interface IssuedToken {
  value: string
  id: string
  organization_id: string
  project_id: string
  expires_in: number
}

/** Throws OAuthError. */
export async function exchangeToken(
  context: ExchangeContext,
  { subject_token, identity_provider_id, service_account_id }: TokenRequest,
  from: Pick<Actor, 'ip_address' | 'user_agent'>,
): Promise<IssuedToken> {
  const { database, keys, world, providers, issuerKeys } = context
  const provider = requireTrusted(context, await providers.find(identity_provider_id))
  const claims = await verifySubjectToken(subject_token, provider, issuerKeys, world)
  await matchingRule(database.read, keys.peppers, provider, service_account_id, claims)
  return database.write((sql) => issue(sql, context, { provider, claims, service_account_id, from }))
}

function requireTrusted({ keys }: Pick<ExchangeContext, 'keys'>, provider: IdentityProviderRow | undefined) {
  if (!provider || provider.enabled !== 1 || !hasTrustMac(keys.peppers, 'identity_providers', provider))
    throw invalidGrant('No enabled workload identity provider has this identity_provider_id.')
  return provider
}

interface Verified {
  /** As it was when the token was verified. */
  provider: IdentityProviderRow
  claims: Claims
  service_account_id: string
  from: Pick<Actor, 'ip_address' | 'user_agent'>
}

async function issue(
  sql: Sql,
  { keys, world }: ExchangeContext,
  { provider, claims, service_account_id, from }: Verified,
): Promise<IssuedToken> {
  const { organization_id } = provider
  const [head] = await lockOrganization(sql, { organization_id })
  if (!head) throw new Error('The organization of a provider has no audit log.')
  await requireUnchanged(sql, provider)
  const rule = await matchingRule(sql, keys.peppers, provider, service_account_id, claims)
  const { project_id } = rule
  await requireServiceAccount(sql, { organization_id, project_id, service_account_id })
  await requireAllowedThere(sql, keys, { organization_id, project_id }, from.ip_address)
  const now = seconds(world)
  const expires_at = Math.min(Math.floor(claims.exp), now + LONGEST_LIFE_SECONDS)
  if (expires_at <= now) throw invalidGrant('The subject token has expired.')
  const value = makeKey('access', world.random, keys.pepper)
  const id = newId('at_', world)
  const row = withTrustMac(keys.pepper, 'access_tokens', {
    organization_id,
    project_id,
    id,
    digest: digest(keys.pepper, value),
    service_account_id,
    provider_id: provider.id,
    rule_id: rule.id,
    scopes: rule.scopes ?? '[]',
    created_at: now,
    expires_at,
  })
  await sql.insertInto('access_tokens').values(row).execute()
  const event: RecordedEvent = {
    id: newId('audit_log-', world),
    type: 'tenant.workload_identity.access_token.issued',
    project_id,
    payload: {
      id,
      identity_provider_id: provider.id,
      mapping_id: rule.id,
      service_account_id,
      subject: claims.sub.slice(0, LONGEST_SUBJECT).toWellFormed().replaceAll('\0', '\uFFFD'),
      expires_at,
    },
  }
  const actor = { ...from, key_id: id, user_id: service_account_id, email: null }
  await appendEvents(sql, keys.peppers, head, [event], actor, notBefore(head.newest_at, now))
  return { value, id, organization_id, project_id, expires_in: expires_at - now }
}

/** Throws where the provider was changed since the token was verified. */
async function requireUnchanged(sql: Sql, { organization_id, id, mac }: IdentityProviderRow) {
  const row = await sql
    .selectFrom('identity_providers')
    .select('mac')
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row?.mac || !mac || Buffer.compare(row.mac, mac) !== 0)
    throw invalidGrant('The workload identity provider was changed meanwhile. Try again.')
}

/** An access token could not be used from an address that the IP allow lists lack. */
async function requireAllowedThere(
  sql: Sql,
  keys: KeyRing,
  { organization_id, project_id }: { organization_id: string; project_id: string },
  address: string | null,
) {
  const { networks } = await limitsOf(sql, keys, organization_id, project_id)
  if (networks?.some((one) => !one.has(address)))
    throw invalidGrant(
      `The IP address ${address ?? 'unknown'} is not in the IP allow list of the organization or the project.`,
    )
}

async function requireServiceAccount(
  sql: Sql,
  whose: { organization_id: string; project_id: string; service_account_id: string },
) {
  const account = await sql
    .selectFrom('service_accounts as account')
    .innerJoin('projects as project', (on) =>
      on
        .onRef('project.organization_id', '=', 'account.organization_id')
        .onRef('project.id', '=', 'account.project_id'),
    )
    .select('account.id')
    .where('account.organization_id', '=', whose.organization_id)
    .where('account.project_id', '=', whose.project_id)
    .where('account.id', '=', whose.service_account_id)
    .where('account.deleted_at', 'is', null)
    .where('project.archived_at', 'is', null)
    .executeTakeFirst()
  if (!account) throw invalidGrant('The service account was deleted, or its project is archived.')
}
