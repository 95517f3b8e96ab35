/**
 * Workload identity in a database that is older than a revocation. What was deleted later is
 * deleted again. What was changed later is switched off: the older row may trust more than the
 * newer did, and an administrator must look.
 */
import { hasTrustMac, trustDigest, withTrustMac } from '../../keys/trust-mac.ts'
import type { Application } from './apply.ts'
import { findRow, updateRow } from './rows.ts'
import type { SubjectState } from './state.ts'

export async function applyToProvider(to: Application, id: string, state: SubjectState) {
  const row = (await findRow(to.sql, 'identity_providers', to.organization_id, id))!
  if (!state.alive) {
    await updateRow(to, 'identity_providers', id, { deleted_at: to.now, mac: null })
    to.record('workload_identity_provider.deleted', { id, name: row.name })
  } else {
    if (trustDigest('identity_providers', row) === state.trust || row.enabled === 0) return
    // A row that was forged opens nothing as it is.
    if (!hasTrustMac(to.peppers, 'identity_providers', row)) return
    const { enabled, mac } = withTrustMac(to.peppers[0], 'identity_providers', { ...row, enabled: 0 })
    await updateRow(to, 'identity_providers', id, { enabled, mac })
    to.record('workload_identity_provider.updated', { id, changes_requested: { enabled: false } })
  }
  await deleteTokens(to, 'provider_id', id)
}

export async function applyToRule(to: Application, id: string, state: SubjectState) {
  const row = (await findRow(to.sql, 'federation_rules', to.organization_id, id))!
  const { provider_id: identity_provider_id, project_id, service_account_id } = row
  if (!state.alive) {
    await updateRow(to, 'federation_rules', id, { deleted_at: to.now, mac: null })
    const event = { id, identity_provider_id, project_id, service_account_id }
    to.record('workload_identity_provider_mapping.deleted', event)
  } else {
    if (trustDigest('federation_rules', row) === state.trust || row.enabled === 0) return
    if (!hasTrustMac(to.peppers, 'federation_rules', row)) return
    const { enabled, mac } = withTrustMac(to.peppers[0], 'federation_rules', { ...row, enabled: 0 })
    await updateRow(to, 'federation_rules', id, { enabled, mac })
    const event = { id, identity_provider_id, changes_requested: { enabled: false } }
    to.record('workload_identity_provider_mapping.updated', event)
  }
  await deleteTokens(to, 'rule_id', id)
}

const deleteTokens = ({ sql, organization_id }: Application, column: 'provider_id' | 'rule_id', id: string) =>
  sql.deleteFrom('access_tokens').where('organization_id', '=', organization_id).where(column, '=', id).execute()
