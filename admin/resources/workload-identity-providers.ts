import { invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { MOST_PROVIDERS, workloadIdentityProviders } from '../../contract/workload-identity-providers.ts'
import { listOf } from '../../database/table-list.ts'
import type { IdentityProviderRow } from '../../database/identity-tables.ts'
import { hasTrustMac, withTrustMac } from '../../keys/trust-mac.ts'
import { requireOwner } from '../rules/require-an-owner.ts'
import { handlers, type Call } from '../call.ts'
import { requireEvaluable } from '../workload-identity/cel-expression.ts'
import { requireFetchable } from '../shared/fetch-document.ts'
import { requireJwks } from '../workload-identity/jwks.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { endAccessTokens } from '../shared/end-access-tokens.ts'

type Provider = Output<typeof workloadIdentityProviders.retrieve>

export default handlers(workloadIdentityProviders, {
  list: (call) => table.page(call.db, call, call.query, present),

  async create(call) {
    await requireOwner(call)
    const { name, issuer, audience, description = null, enabled = true } = call.body
    const trust = await trustOf(call, { issuer, transformations: [], verification: DISCOVERY })
    await requireRoom(call)
    const row = {
      organization_id: call.organization_id,
      id: call.newId('idp_'),
      name,
      description,
      issuer,
      audience,
      ...trust,
      enabled: enabled ? 1 : 0,
      created_at: call.now,
      updated_at: call.now,
      deleted_at: null,
    }
    const sealed = withTrustMac(call.keys.pepper, 'identity_providers', row)
    await call.db.insertInto('identity_providers').values(sealed).execute()
    call.record('workload_identity_provider.created', { id: row.id, data: call.body })
    forgetProviders(call, row.id)
    return present(sealed)
  },

  retrieve: async (call) => present(await findProvider(call)),

  async update(call) {
    await requireOwner(call)
    const before = await findProvider(call)
    const { name = before.name, audience = before.audience, description = before.description, enabled } = call.body
    const { issuer = before.issuer } = call.body
    const row = {
      ...before,
      name,
      description,
      issuer,
      audience,
      ...(await trustOf(call, {
        issuer,
        transformations: JSON.parse(before.attribute_transformations),
        verification: JSON.parse(before.verification),
      })),
      enabled: enabled === undefined ? before.enabled : enabled ? 1 : 0,
    }
    const isSame = DECIDING.every((column) => row[column] === before[column])
    if (isSame && name === before.name && description === before.description) return present(before)
    // A new MAC would make a row valid that was changed without the pepper.
    if (!hasTrustMac(call.keys.peppers, 'identity_providers', before)) throw notFound(THING, before.id)
    const changed = withTrustMac(call.keys.pepper, 'identity_providers', { ...row, updated_at: call.now })
    await change(call, before.id, changed)
    call.record('workload_identity_provider.updated', { id: before.id, changes_requested: call.body })
    if (!isSame) await endAccessTokens(call, before.id)
    forgetProviders(call, before.id)
    return present(changed)
  },

  async delete(call) {
    const { id, name } = await findProvider(call)
    const rule = await call.db
      .selectFrom('federation_rules')
      .select('id')
      .where('organization_id', '=', call.organization_id)
      .where('provider_id', '=', id)
      .where('deleted_at', 'is', null)
      .limit(1)
      .executeTakeFirst()
    if (rule) throw invalid(`The workload identity provider ${id} still has federation rules: delete them before.`)
    await change(call, id, { deleted_at: call.now, mac: null })
    call.record('workload_identity_provider.deleted', { id, name })
    await endAccessTokens(call, id)
    forgetProviders(call, id)
    return deletedResult('organization.workload_identity_provider', id)
  },
})

const THING = 'workload_identity_provider'
const DISCOVERY: Provider['verification'] = { type: 'discovery', discovery_url: null }
/** What decides which tokens are taken, and as what. */
const DECIDING = ['issuer', 'audience', 'attribute_transformations', 'verification', 'enabled'] as const

const table = listOf('identity_providers', ['organization_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)

export async function findProvider(
  call: Pick<Call, 'db' | 'organization_id'> & { params: { workload_identity_provider_id: string } },
): Promise<IdentityProviderRow> {
  const { workload_identity_provider_id: id } = call.params
  const row = await table.find(call.db, call, id)
  if (!row) throw notFound(THING, id)
  return row
}

type Changing = Call<typeof workloadIdentityProviders.update>

/** The columns that say how tokens are verified and read; throws where they could not be used. */
async function trustOf(
  { body, mayFetchFrom }: Pick<Changing, 'body' | 'mayFetchFrom'>,
  before: {
    issuer: string
    transformations: Provider['attribute_transformations']
    verification: Provider['verification']
  },
) {
  const { attribute_transformations = before.transformations, verification: sent } = body
  const names = new Set(attribute_transformations.map(({ attribute }) => attribute))
  if (names.size < attribute_transformations.length)
    throw invalid(
      "Invalid 'attribute_transformations': it has the same attribute twice.",
      'attribute_transformations',
      'unusable_value',
    )
  for (const [n, { expression }] of (body.attribute_transformations ?? []).entries())
    await requireEvaluable(expression, `attribute_transformations[${n}].expression`)
  const verification = sent ? verificationOf(sent) : before.verification
  if (verification.type === 'uploaded_jwks') requireJwks(verification.jwks, 'verification.jwks')
  else if (verification.discovery_url !== null)
    requireFetchable(verification.discovery_url, 'verification.discovery_url', mayFetchFrom)
  else requireFetchable(before.issuer, 'issuer', mayFetchFrom)
  return {
    attribute_transformations: JSON.stringify(attribute_transformations),
    verification: JSON.stringify(verification),
  }
}

/** The verification with all members of its form; throws 400 for members of the other. */
function verificationOf(sent: NonNullable<Changing['body']['verification']>): Provider['verification'] {
  const { type, discovery_url, jwks } = sent as { type: string; discovery_url?: string | null; jwks?: any }
  if (type === 'discovery') {
    if (jwks != null) throw invalid("'verification.jwks' goes with the type 'uploaded_jwks'.", 'verification.jwks')
    return { type, discovery_url: discovery_url ?? null }
  }
  if (discovery_url != null)
    throw invalid("'verification.discovery_url' goes with the type 'discovery'.", 'verification.discovery_url')
  if (jwks == null)
    throw invalid("The type 'uploaded_jwks' needs 'verification.jwks'.", 'verification.jwks', 'unusable_value')
  return { type: 'uploaded_jwks', jwks }
}

async function requireRoom({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>) {
  const { count } = await db
    .selectFrom('identity_providers')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  if (count >= MOST_PROVIDERS)
    throw invalid(`An organization has at most ${MOST_PROVIDERS} workload identity providers.`)
}

/** Servers remember providers; each reads them again when anything of this owner is revoked. */
const forgetProviders = ({ invalidate }: Pick<Call, 'invalidate'>, id: string) => invalidate({ scope: 'owner', id })

const change = (
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  columns: Partial<IdentityProviderRow>,
) =>
  db
    .updateTable('identity_providers')
    .set(columns)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute()

const present = (row: IdentityProviderRow): Provider => ({
  object: 'organization.workload_identity_provider',
  id: row.id,
  name: row.name,
  description: row.description,
  type: 'oidc',
  issuer: row.issuer,
  audience: row.audience,
  attribute_transformations: JSON.parse(row.attribute_transformations),
  verification: JSON.parse(row.verification),
  enabled: row.enabled === 1,
  created_at: row.created_at,
  updated_at: row.updated_at,
})
