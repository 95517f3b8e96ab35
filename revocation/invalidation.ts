/** Which cached keys each audit event invalidates. */
import type { AuditEvent, AuditPayload } from '../contract/audit-events.ts'

/**
 * The cached keys that must be read again: one key, all of an owner or a project, or all of an
 * organization.
 */
export type Invalidation = { organization_id: string } & Scope

export type Scope = { scope: 'key' | 'owner' | 'project'; id: string } | { scope: 'organization' }

const none = () => null
const key = ({ id }: { id: string }): Scope => ({ scope: 'key', id })
const owner = ({ id }: { id: string }): Scope => ({ scope: 'owner', id })
const project = ({ id }: { id: string }): Scope => ({ scope: 'project', id })
const organization = (): Scope => ({ scope: 'organization' })
const member = ({ user_id }: { user_id: string }): Scope => ({ scope: 'owner', id: user_id })
const principal = ({ principal_id, principal_type }: { principal_id: string; principal_type: string }): Scope =>
  principal_type === 'user' ? { scope: 'owner', id: principal_id } : organization()

/** Exhaustive: the type makes a new event say what it invalidates. */
const scopes: { [Event in AuditEvent]: (payload: AuditPayload<Event>) => Scope | null } = {
  'api_key.created': none,
  'api_key.updated': key,
  'api_key.deleted': key,
  'project.created': none,
  'project.updated': none,
  'project.archived': project,
  // The handlers of limits and settings say themselves which keys must be read again.
  'tenant.billing.overage_limit.updated': none,
  'tenant.billing.alerts.updated': none,
  'tenant.product_access_policy.updated': none,
  'tenant.policy.updated': none,
  'ip_allowlist.created': none,
  'ip_allowlist.updated': none,
  'ip_allowlist.deleted': none,
  'ip_allowlist.config.activated': none,
  'ip_allowlist.config.deactivated': none,
  'external_key.registered': none,
  'external_key.removed': none,
  'external_storage.registered': none,
  'external_storage.removed': none,
  'rate_limit.updated': none,
  'service_account.created': none,
  'service_account.updated': owner,
  'service_account.deleted': owner,
  'user.added': owner,
  'user.updated': owner,
  'user.deleted': owner,
  'invite.sent': none,
  'invite.accepted': none,
  'invite.deleted': none,
  'group.created': none,
  'group.updated': none,
  'group.deleted': organization,
  'tenant.group.member.added': member,
  'tenant.group.member.removed': member,
  'role.created': none,
  'role.updated': organization,
  'role.deleted': organization,
  // Their handlers say whose access tokens are dead.
  'workload_identity_provider.created': none,
  'workload_identity_provider.updated': none,
  'workload_identity_provider.deleted': none,
  'workload_identity_provider_mapping.created': none,
  'workload_identity_provider_mapping.updated': none,
  'workload_identity_provider_mapping.deleted': none,
  'tenant.workload_identity.access_token.issued': none,
  // Their handlers say whose requests need another client certificate.
  'certificate.created': none,
  'certificate.updated': none,
  'certificate.deleted': none,
  'certificates.activated': none,
  'certificates.deactivated': none,
  // Sessions are read with each call.
  'login.succeeded': none,
  'login.failed': none,
  'logout.succeeded': none,
  'role.assignment.created': principal,
  'role.assignment.deleted': principal,
}

/** What these events invalidate. */
export const invalidatedBy = (
  organization_id: string,
  events: readonly { type: AuditEvent; payload: AuditPayload<AuditEvent> }[],
): Invalidation[] =>
  events.flatMap(({ type, payload }) => {
    const scope = scopes[type](payload as never)
    return scope ? [{ organization_id, ...scope }] : []
  })
