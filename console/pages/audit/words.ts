/** What happened, in words, for each type of event that Keyhall writes. */
import type { organization } from '../../use-calls.ts'

export type AuditLog = Awaited<ReturnType<typeof organization.auditLogs.list>>['data'][number]
type EventType = AuditLog['type']
/** The types that have a payload. */
type Written = Exclude<keyof AuditLog, 'object' | 'id' | 'type' | 'effective_at' | 'project' | 'actor'>

const words: Record<Written, string> = {
  'api_key.created': 'Made a key',
  'api_key.updated': 'Changed a key',
  'api_key.deleted': 'Deleted a key',
  'project.created': 'Created a project',
  'project.updated': 'Changed a project',
  'project.archived': 'Archived a project',
  'rate_limit.updated': 'Changed the rate limits of a model',
  'service_account.created': 'Created a service account',
  'service_account.updated': 'Changed a service account',
  'service_account.deleted': 'Deleted a service account',
  'user.added': 'Added a person',
  'user.updated': 'Changed the role of a person',
  'user.deleted': 'Removed a person',
  'invite.sent': 'Invited somebody',
  'invite.accepted': 'Accepted an invite',
  'invite.deleted': 'Took back an invite',
  'group.created': 'Created a group',
  'group.updated': 'Renamed a group',
  'group.deleted': 'Deleted a group',
  'tenant.group.member.added': 'Added a member to a group',
  'tenant.group.member.removed': 'Removed a member from a group',
  'tenant.billing.overage_limit.updated': 'Changed a spend limit',
  'tenant.billing.alerts.updated': 'Changed a spend alert',
  'tenant.product_access_policy.updated': 'Changed what may be used',
  'tenant.policy.updated': 'Changed the data retention',
  'external_key.registered': 'Registered an external key',
  'external_key.removed': 'Removed an external key',
  'external_storage.registered': 'Registered external storage',
  'external_storage.removed': 'Removed external storage',
  'role.created': 'Created a role',
  'role.updated': 'Changed a role',
  'role.deleted': 'Deleted a role',
  'role.assignment.created': 'Gave a role',
  'role.assignment.deleted': 'Took a role away',
  'workload_identity_provider.created': 'Registered a workload identity provider',
  'workload_identity_provider.updated': 'Changed a workload identity provider',
  'workload_identity_provider.deleted': 'Deleted a workload identity provider',
  'workload_identity_provider_mapping.created': 'Created a federation rule',
  'workload_identity_provider_mapping.updated': 'Changed a federation rule',
  'workload_identity_provider_mapping.deleted': 'Deleted a federation rule',
  'tenant.workload_identity.access_token.issued': 'Got an access token for a workload',
  'certificate.created': 'Uploaded a certificate',
  'certificate.updated': 'Renamed a certificate',
  'certificate.deleted': 'Deleted a certificate',
  'certificates.activated': 'Activated a certificate',
  'certificates.deactivated': 'Deactivated a certificate',
  'ip_allowlist.created': 'Made an IP allow list',
  'ip_allowlist.updated': 'Changed an IP allow list',
  'ip_allowlist.deleted': 'Deleted an IP allow list',
  'ip_allowlist.config.activated': 'Activated an IP allow list',
  'ip_allowlist.config.deactivated': 'Deactivated an IP allow list',
  'login.succeeded': 'Signed in',
  'login.failed': 'Could not sign in',
  'logout.succeeded': 'A session was ended',
}

export const wordsOf = (type: EventType): string => (words as Partial<Record<EventType, string>>)[type] ?? type

/** The details of an event, as they were written. */
export const payloadOf = (log: AuditLog) => log[log.type as Written]

/** The id of what an event is about; null where nothing was changed. */
export function targetOf(log: AuditLog): string | null {
  const payload = (payloadOf(log) ?? {}) as {
    id?: string
    certificates?: readonly { id: string }[]
    configs?: readonly { id: string }[]
  }
  return payload.id ?? payload.certificates?.[0]?.id ?? payload.configs?.[0]?.id ?? null
}

/** Several types that belong together, as one choice. */
const subjects: Record<string, (type: string) => boolean> = {
  'All about keys': (type) => type.startsWith('api_key.'),
  'All about people, groups and roles': (type) => /^(user|invite|group|role|tenant\.group)\./.test(type),
  'All about projects and service accounts': (type) => /^(project|service_account)\./.test(type),
  'All about limits and policies': (type) =>
    /^(rate_limit|tenant\.(billing|policy|product_access_policy))\./.test(type),
  'All about workloads': (type) => type.includes('workload_identity'),
  'All about certificates and IP allow lists': (type) => /^(certificates?|ip_allowlist)\./.test(type),
  'All about signing in': (type) => /^log(in|out)\./.test(type),
}

interface EventChoice {
  value: string
  label: string
  types: EventType[]
}

const types = Object.keys(words) as Written[]

/** What can be asked for: a subject, or one type of event. */
export const eventChoices: readonly EventChoice[] = [
  ...Object.entries(subjects).map(([label, holds]) => ({
    value: label.replace('All about ', '').replaceAll(/\W+/g, '-').toLowerCase(),
    label,
    types: types.filter(holds),
  })),
  ...types.map((type) => ({ value: type, label: words[type], types: [type] })),
]
