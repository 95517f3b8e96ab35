/**
 * The subject of each audit event that takes something away, or may: its state is kept in the
 * revocations file.
 */
import type { AuditEvent, AuditPayload } from '../../contract/audit-events.ts'

export interface Subject {
  /** `owner` is a person or a service account. */
  kind: 'key' | 'owner' | 'project' | 'group' | 'role' | 'invite' | 'provider' | 'rule' | 'session'
  id: string
}

type Payload = { id: string }

const nothing = () => null
const its =
  (kind: Subject['kind']) =>
  ({ id }: Payload): Subject => ({ kind, id })

const subjects: { [Event in AuditEvent]: (payload: AuditPayload<Event>) => Subject | null } = {
  'api_key.created': nothing,
  'api_key.updated': its('key'),
  'api_key.deleted': its('key'),
  'project.created': nothing,
  'project.updated': nothing,
  'project.archived': its('project'),
  // Limits are not revocations: an older database has older limits.
  'rate_limit.updated': nothing,
  'tenant.billing.overage_limit.updated': nothing,
  'tenant.billing.alerts.updated': nothing,
  'tenant.product_access_policy.updated': nothing,
  'tenant.policy.updated': nothing,
  'ip_allowlist.created': nothing,
  'ip_allowlist.updated': nothing,
  'ip_allowlist.deleted': nothing,
  'ip_allowlist.config.activated': nothing,
  'ip_allowlist.config.deactivated': nothing,
  'external_key.registered': nothing,
  'external_key.removed': nothing,
  'external_storage.registered': nothing,
  'external_storage.removed': nothing,
  'service_account.created': nothing,
  'service_account.updated': its('owner'),
  'service_account.deleted': its('owner'),
  'user.added': nothing,
  'user.updated': its('owner'),
  'user.deleted': its('owner'),
  'invite.sent': nothing,
  'invite.accepted': its('invite'),
  'invite.deleted': its('invite'),
  'group.created': nothing,
  'group.updated': nothing,
  'group.deleted': its('group'),
  'tenant.group.member.added': nothing,
  'tenant.group.member.removed': ({ user_id }) => ({ kind: 'owner', id: user_id }),
  'role.created': nothing,
  'role.updated': its('role'),
  'role.deleted': its('role'),
  'workload_identity_provider.created': nothing,
  'workload_identity_provider.updated': its('provider'),
  'workload_identity_provider.deleted': its('provider'),
  'workload_identity_provider_mapping.created': nothing,
  'workload_identity_provider_mapping.updated': its('rule'),
  'workload_identity_provider_mapping.deleted': its('rule'),
  // Access tokens expire within the hour, and end with their rule.
  'tenant.workload_identity.access_token.issued': nothing,
  // An older database has the certificates active that were active then.
  'certificate.created': nothing,
  'certificate.updated': nothing,
  'certificate.deleted': nothing,
  'certificates.activated': nothing,
  'certificates.deactivated': nothing,
  'login.succeeded': nothing,
  'login.failed': nothing,
  'logout.succeeded': its('session'),
  'role.assignment.created': nothing,
  'role.assignment.deleted': ({ principal_id, principal_type }) => ({
    kind: principal_type === 'group' ? 'group' : 'owner',
    id: principal_id,
  }),
}

export const subjectOf = (type: AuditEvent, payload: AuditPayload<AuditEvent>): Subject | null =>
  subjects[type](payload as never)

/** The events that have a subject. */
export const revokingEvents = (Object.keys(subjects) as AuditEvent[]).filter((type) => subjects[type] !== nothing)
