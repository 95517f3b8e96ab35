/** Every audit event and the shape of its payload, as the newest SDK's types have them. */
import { Type, type Static, type TSchema } from 'typebox'
import type { ShownProvider } from './external-storage.ts'

const id = { id: Type.String() }
const role = { role: Type.String() }
const only = Type.Object(id)
const mapping = { ...id, identity_provider_id: Type.String() }
const scopes = Type.Array(Type.String())

const resource = { resource_id: Type.String(), resource_type: Type.String() }
const assignment = Type.Object({
  ...id,
  principal_id: Type.String(),
  principal_type: Type.String(),
  ...resource,
})

const named = { ...id, name: Type.Optional(Type.String()) }
const certificate = Type.Object(named)
const certificates = Type.Object({ certificates: Type.Array(certificate) })

const allowlist = Type.Object({ ...id, name: Type.String(), allowed_ips: Type.Array(Type.String()) })
const allowlists = Type.Object({ configs: Type.Array(Type.Object({ ...id, name: Type.String() })) })

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const amount = Type.Optional(Type.Integer())
const rateLimits = Type.Object({
  max_requests_per_1_minute: amount,
  max_tokens_per_1_minute: amount,
  max_images_per_1_minute: amount,
  max_audio_megabytes_per_1_minute: amount,
  max_requests_per_1_day: amount,
  batch_1_day_max_input_tokens: amount,
})

export const auditEvents = {
  'api_key.created': Type.Object({ ...id, data: Type.Object({ scopes }) }),
  'api_key.updated': Type.Object({
    ...id,
    changes_requested: Type.Object({
      scopes: Type.Optional(scopes),
      expires_in_seconds: Type.Optional(Type.Integer()),
    }),
  }),
  'api_key.deleted': only,
  'project.created': Type.Object({ ...id, data: Type.Object({ name: Type.String(), title: Type.String() }) }),
  'project.updated': Type.Object({ ...id, changes_requested: Type.Object({ title: Type.Optional(Type.String()) }) }),
  'project.archived': only,
  'rate_limit.updated': Type.Object({ ...id, changes_requested: rateLimits }),
  'service_account.created': Type.Object({ ...id, data: Type.Object(role) }),
  'service_account.updated': Type.Object({
    ...id,
    changes_requested: Type.Object({ role: Type.Optional(Type.String()) }),
  }),
  'service_account.deleted': only,
  'user.added': Type.Object({ ...id, data: Type.Object(role) }),
  'user.updated': Type.Object({ ...id, changes_requested: Type.Object({ role: Type.Optional(Type.String()) }) }),
  'user.deleted': only,
  'invite.sent': Type.Object({ ...id, data: Type.Object({ email: Type.String(), ...role }) }),
  'invite.accepted': only,
  'invite.deleted': only,
  'group.created': Type.Object({ ...id, data: Type.Object({ group_name: Type.String() }) }),
  'group.updated': Type.Object({ ...id, changes_requested: Type.Object({ group_name: Type.String() }) }),
  'group.deleted': only,
  // OpenAI has these two for tenants only and gives no payload; the id is the group's.
  'tenant.group.member.added': Type.Object({ ...id, user_id: Type.String() }),
  'tenant.group.member.removed': Type.Object({ ...id, user_id: Type.String() }),
  // OpenAI has these three for tenants only and gives no payload. The id is that of the
  // organization or project, or of the alert; null and `deleted` say that there is none any more.
  // `given_back` are dollars of servers that died, of which the operator says that nobody spent
  // them.
  'tenant.billing.overage_limit.updated': Type.Object({
    ...id,
    threshold_amount: orNull(Type.Integer()),
    given_back: Type.Optional(Type.Number()),
  }),
  'tenant.billing.alerts.updated': Type.Object({
    ...id,
    threshold_amount: Type.Integer(),
    recipients: Type.Array(Type.String()),
    deleted: Type.Boolean(),
  }),
  'tenant.product_access_policy.updated': Type.Object({
    ...id,
    mode: Type.Optional(orNull(Type.String())),
    model_ids: Type.Optional(Type.Array(Type.String())),
    hosted_tools: Type.Optional(Type.Unknown()),
    service_tiers: Type.Optional(Type.Unknown()),
  }),
  // As above; the id is that of the organization or project.
  'tenant.policy.updated': Type.Object({ ...id, data_retention: Type.String() }),
  'external_key.registered': Type.Object({ ...id, data: Type.Unknown() }),
  'external_key.removed': only,
  'external_storage.registered': Type.Object({
    ...id,
    data: Type.Object({ geography: Type.String(), provider: Type.Unsafe<ShownProvider>({ type: 'object' }) }),
  }),
  'external_storage.removed': only,
  'role.created': Type.Object({
    ...id,
    role_name: Type.String(),
    permissions: Type.Array(Type.String()),
    ...resource,
  }),
  'role.updated': Type.Object({
    ...id,
    changes_requested: Type.Object({
      role_name: Type.Optional(Type.String()),
      description: Type.Optional(Type.String()),
      permissions_added: Type.Optional(Type.Array(Type.String())),
      permissions_removed: Type.Optional(Type.Array(Type.String())),
      ...resource,
    }),
  }),
  'role.deleted': only,
  // OpenAI gives no type to what was sent.
  'workload_identity_provider.created': Type.Object({ ...id, data: Type.Unknown() }),
  'workload_identity_provider.updated': Type.Object({ ...id, changes_requested: Type.Unknown() }),
  'workload_identity_provider.deleted': Type.Object({ ...id, name: Type.String() }),
  'workload_identity_provider_mapping.created': Type.Object({ ...mapping, data: Type.Unknown() }),
  'workload_identity_provider_mapping.updated': Type.Object({ ...mapping, changes_requested: Type.Unknown() }),
  'workload_identity_provider_mapping.deleted': Type.Object({
    ...mapping,
    project_id: Type.String(),
    service_account_id: Type.String(),
  }),
  // OpenAI has this for tenants only and gives no payload; the id is the access token's.
  'tenant.workload_identity.access_token.issued': Type.Object({
    ...mapping,
    mapping_id: Type.String(),
    service_account_id: Type.String(),
    subject: Type.String(),
    expires_at: Type.Integer(),
  }),
  'certificate.created': certificate,
  'certificate.updated': certificate,
  'certificate.deleted': Type.Object({ ...named, certificate: Type.String() }),
  'certificates.activated': certificates,
  'certificates.deactivated': certificates,
  'ip_allowlist.created': allowlist,
  'ip_allowlist.updated': Type.Object({ ...id, allowed_ips: Type.Array(Type.String()) }),
  'ip_allowlist.deleted': allowlist,
  'ip_allowlist.config.activated': allowlists,
  'ip_allowlist.config.deactivated': allowlists,
  // OpenAI gives no type to these two; the id is the session's.
  'login.succeeded': Type.Object({ ...id, method: Type.String() }),
  'logout.succeeded': only,
  'login.failed': Type.Object({ error_code: Type.String(), error_message: Type.String() }),
  'role.assignment.created': assignment,
  'role.assignment.deleted': assignment,
}

export type AuditEvent = keyof typeof auditEvents
export type AuditPayload<Event extends AuditEvent> = Static<(typeof auditEvents)[Event]>

/**
 * The object that an event is about. Each certificate and each IP allow list that is activated has
 * an event of its own. Null for somebody who could not sign in.
 */
export function resourceIdOf(payload: AuditPayload<AuditEvent>): string | null {
  if ('certificates' in payload) return payload.certificates[0]!.id
  if ('error_code' in payload) return null
  return 'configs' in payload ? payload.configs[0]!.id : payload.id
}
