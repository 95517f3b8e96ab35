/** Every audit event and the shape of its payload, as the newest SDK's types have them. */
import { Type, type Static } from 'typebox'

const id = { id: Type.String() }
const role = { role: Type.String() }
const only = Type.Object(id)
const scopes = Type.Array(Type.String())

const resource = { resource_id: Type.String(), resource_type: Type.String() }
const assignment = Type.Object({
  ...id,
  principal_id: Type.String(),
  principal_type: Type.String(),
  ...resource,
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
  'role.assignment.created': assignment,
  'role.assignment.deleted': assignment,
}

export type AuditEvent = keyof typeof auditEvents
export type AuditPayload<Event extends AuditEvent> = Static<(typeof auditEvents)[Event]>
