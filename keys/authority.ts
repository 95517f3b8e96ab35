/** Whose authority an event touches: what processes that remember keys must forget when it happens. */
import type { AuditEvent, AuditPayload } from '../contract/audit.ts'
import type { RevocationRow } from '../database/tables.ts'

export type Revoked = Pick<RevocationRow, 'organization_id' | 'kind' | 'id'>

type Touched = [kind: RevocationRow['kind'], id: string] | null

const nothing = () => null
const key = ({ id }: { id: string }): Touched => ['key', id]
const owner = ({ id }: { id: string }): Touched => ['owner', id]
const everybody = (): Touched => ['organization', '']
const member = ({ user_id }: { user_id: string }): Touched => ['owner', user_id]
const holder = ({ principal_id, principal_type }: { principal_id: string; principal_type: string }): Touched =>
  principal_type === 'user' ? ['owner', principal_id] : everybody()

/** Whose authority each event touches; a new event has to say. */
const touchedBy: { [Event in AuditEvent]: (payload: AuditPayload<Event>) => Touched } = {
  'api_key.created': nothing,
  'api_key.updated': key,
  'api_key.deleted': key,
  'project.created': nothing,
  'project.updated': nothing,
  'project.archived': ({ id }) => ['project', id],
  'service_account.created': nothing,
  'service_account.updated': owner,
  'service_account.deleted': owner,
  'user.added': owner,
  'user.updated': owner,
  'user.deleted': owner,
  'invite.sent': nothing,
  'invite.accepted': nothing,
  'invite.deleted': nothing,
  'group.created': nothing,
  'group.updated': nothing,
  'group.deleted': everybody,
  'tenant.group.member.added': member,
  'tenant.group.member.removed': member,
  'role.created': nothing,
  'role.updated': everybody,
  'role.deleted': everybody,
  'role.assignment.created': holder,
  'role.assignment.deleted': holder,
}

/** Whose authority these events touch. */
export const revokedBy = (
  organization_id: string,
  events: readonly { type: AuditEvent; payload: AuditPayload<AuditEvent> }[],
): Revoked[] =>
  events.flatMap(({ type, payload }) => {
    const touched = touchedBy[type](payload as never)
    return touched ? [{ organization_id, kind: touched[0], id: touched[1] }] : []
  })
