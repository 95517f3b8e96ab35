/** Every audit event and the shape of its payload, as the newest SDK's types have them. */
import { Type, type Static } from 'typebox'

const id = { id: Type.String() }
const role = { role: Type.String() }
const only = Type.Object(id)
const scopes = Type.Array(Type.String())

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
}

export type AuditEvent = keyof typeof auditEvents
export type AuditPayload<Event extends AuditEvent> = Static<(typeof auditEvents)[Event]>
