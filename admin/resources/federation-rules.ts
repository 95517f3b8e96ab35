import { invalid, notFound } from '../../contract/errors.ts'
import { federationRules, MOST_MATCHERS } from '../../contract/federation-rules.ts'
import type { Output } from '../../contract/kit.ts'
import { MOST_RULES } from '../../contract/workload-identity-providers.ts'
import { listOf } from '../../database/table-list.ts'
import type { FederationRuleRow } from '../../database/identity-tables.ts'
import { hasTrustMac, withTrustMac } from '../../keys/trust-mac.ts'
import { requireOwner } from '../rules/require-an-owner.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { deletedResult } from '../shared/deleted-result.ts'
import { endAccessTokens } from '../shared/end-access-tokens.ts'
import { findProvider } from './workload-identity-providers.ts'

type Rule = Output<typeof federationRules.retrieve>

export default handlers(federationRules, {
  async list(call) {
    const { id: provider_id } = await findProvider(call)
    const { service_account_id = '' } = call.query
    const { organization_id } = call
    const whose = { organization_id, provider_id, service_account_id }
    return service_account_id === ''
      ? table.page(call.db, whose, call.query, present)
      : tableOfAccount.page(call.db, whose, call.query, present)
  },

  async create(call) {
    await requireOwner(call)
    const { id: provider_id } = await findProvider(call)
    const { attribute_matchers, project_id, service_account_id } = call.body
    const { name = null, description = null, permissions, enabled = true } = call.body
    requireMatchers(attribute_matchers)
    const scopes = permissions ? scopesOf(permissions) : null
    await requireServiceAccount(call, project_id, service_account_id)
    await requireRoom(call, provider_id)
    const row = withTrustMac(call.keys.pepper, 'federation_rules', {
      organization_id: call.organization_id,
      provider_id,
      id: call.newId('idpm_'),
      name,
      description,
      attribute_matchers: JSON.stringify(attribute_matchers),
      project_id,
      service_account_id,
      scopes,
      enabled: enabled ? 1 : 0,
      created_at: call.now,
      updated_at: call.now,
      deleted_at: null,
    })
    await call.db.insertInto('federation_rules').values(row).execute()
    const event = { id: row.id, identity_provider_id: provider_id, data: call.body }
    call.record('workload_identity_provider_mapping.created', event, project_id)
    return present(row)
  },

  retrieve: async (call) => present(await findRule(call)),

  async update(call) {
    await requireOwner(call)
    const before = await findRule(call)
    const { name = before.name, description = before.description, attribute_matchers, permissions, enabled } = call.body
    if (attribute_matchers) requireMatchers(attribute_matchers)
    const row = {
      ...before,
      name,
      description,
      attribute_matchers: attribute_matchers ? JSON.stringify(attribute_matchers) : before.attribute_matchers,
      scopes: permissions ? scopesOf(permissions) : before.scopes,
      enabled: enabled === undefined ? before.enabled : enabled ? 1 : 0,
    }
    const isSame = DECIDING.every((column) => row[column] === before[column])
    if (isSame && name === before.name && description === before.description) return present(before)
    // A new MAC would make a row valid that was changed without the pepper.
    if (!hasTrustMac(call.keys.peppers, 'federation_rules', before)) throw notFound(THING, before.id)
    const changed = withTrustMac(call.keys.pepper, 'federation_rules', { ...row, updated_at: call.now })
    await change(call, before, changed)
    const { id, provider_id, project_id } = before
    const event = { id, identity_provider_id: provider_id, changes_requested: call.body }
    call.record('workload_identity_provider_mapping.updated', event, project_id)
    if (!isSame) await endAccessTokens(call, provider_id, id)
    return present(changed)
  },

  async delete(call) {
    const rule = await findRule(call)
    const { id, provider_id, project_id, service_account_id } = rule
    await change(call, rule, { deleted_at: call.now, mac: null })
    const event = { id, identity_provider_id: provider_id, project_id, service_account_id }
    call.record('workload_identity_provider_mapping.deleted', event, project_id)
    await endAccessTokens(call, provider_id, id)
    return deletedResult('organization.workload_identity_federation_rule', id)
  },
})

const THING = 'workload_identity_federation_rule'
/** What decides who gets a token, and for what. */
const DECIDING = ['attribute_matchers', 'scopes', 'enabled'] as const
const LONGEST_NAME = 100
const LONGEST_VALUE = 1024

const table = listOf('federation_rules', ['organization_id', 'provider_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)
const tableOfAccount = listOf('federation_rules', ['organization_id', 'provider_id', 'service_account_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)

type OfProvider = Pick<Call, 'db' | 'organization_id'> & { params: { workload_identity_provider_id: string } }

async function findRule(call: OfProvider & { params: { workload_identity_federation_rule_id: string } }) {
  const { id: provider_id } = await findProvider(call)
  const { organization_id, params } = call
  const id = params.workload_identity_federation_rule_id
  const row = await table.find(call.db, { organization_id, provider_id }, id)
  if (!row) throw notFound(THING, id)
  return row
}

/** Throws 400 for a rule without conditions, which any token of the issuer would fulfil. */
function requireMatchers(matchers: Rule['attribute_matchers']) {
  const param = 'attribute_matchers'
  const entries = Object.entries(matchers)
  if (entries.length === 0)
    throw invalid(`Invalid '${param}': a rule needs at least one attribute to match.`, param, 'unusable_value')
  if (entries.length > MOST_MATCHERS)
    throw invalid(`Invalid '${param}': a rule has at most ${MOST_MATCHERS} attributes.`, param, 'unusable_value')
  for (const [name, value] of entries)
    if (name === '' || name.length > LONGEST_NAME || (typeof value === 'string' && value.length > LONGEST_VALUE))
      throw invalid(
        `Invalid '${param}': names have 1 to ${LONGEST_NAME} characters, values at most ${LONGEST_VALUE}.`,
        param,
        'unusable_value',
      )
}

/** As they are stored; null for all that the service account may do. */
function scopesOf(permissions: Rule['permissions']): string | null {
  const { type, scopes } = permissions as { type: Rule['permissions']['type']; scopes?: string[] }
  if (type === 'restricted') {
    if (!scopes)
      throw invalid("The type 'restricted' needs 'permissions.scopes'.", 'permissions.scopes', 'unusable_value')
    return JSON.stringify(scopes)
  }
  if (scopes) throw invalid("'permissions.scopes' goes with the type 'restricted'.", 'permissions.scopes')
  return null
}

async function requireServiceAccount(call: Pick<Call, 'db' | 'organization_id'>, project_id: string, id: string) {
  const project = await call.db
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', call.organization_id)
    .where('id', '=', project_id)
    .executeTakeFirst()
  if (!project) throw notFound('project', project_id, 'project_id')
  requireActive(project)
  const account = await call.db
    .selectFrom('service_accounts')
    .select('id')
    .where('organization_id', '=', call.organization_id)
    .where('project_id', '=', project_id)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (!account) throw notFound('service_account', id, 'service_account_id')
}

async function requireRoom({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>, provider_id: string) {
  const { count } = await db
    .selectFrom('federation_rules')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('organization_id', '=', organization_id)
    .where('provider_id', '=', provider_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  if (count >= MOST_RULES) throw invalid(`A workload identity provider has at most ${MOST_RULES} federation rules.`)
}

const change = (
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  { provider_id, id }: FederationRuleRow,
  columns: Partial<FederationRuleRow>,
) =>
  db
    .updateTable('federation_rules')
    .set(columns)
    .where('organization_id', '=', organization_id)
    .where('provider_id', '=', provider_id)
    .where('id', '=', id)
    .execute()

const present = (row: FederationRuleRow): Rule => ({
  object: 'organization.workload_identity_federation_rule',
  id: row.id,
  workload_identity_provider_id: row.provider_id,
  name: row.name,
  description: row.description,
  attribute_matchers: JSON.parse(row.attribute_matchers),
  project_id: row.project_id,
  service_account_id: row.service_account_id,
  permissions:
    row.scopes === null
      ? { type: 'service_account_default' }
      : { type: 'restricted', scopes: JSON.parse(row.scopes) as string[] },
  enabled: row.enabled === 1,
  created_at: row.created_at,
  updated_at: row.updated_at,
})
