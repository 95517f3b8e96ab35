/**
 * Applies revocations to a database that is older than they are. It only takes away: what was given
 * meanwhile is lost with the newer database.
 */
import type { AuditEvent, AuditPayload } from '../../contract/audit-events.ts'
import type { Sql } from '../../database/types.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import type { Peppers } from '../../keys/digest.ts'
import { changeKey, deletedKey } from '../../keys/key-mac.ts'
import { applyToProvider, applyToRule } from './apply-trust.ts'
import { findRow, updateRow } from './rows.ts'
import { endedSession } from '../sessions/start-session.ts'
import { readState, type SubjectState } from './state.ts'
import type { Subject } from './subject.ts'

/** What was done, as an audit event. */
export interface AppliedEvent {
  type: AuditEvent
  payload: AuditPayload<AuditEvent>
}

export interface Application {
  sql: Sql
  peppers: Peppers
  organization_id: string
  now: number
  /** Leaves an event in the audit log. */
  record: <Event extends AuditEvent>(type: Event, payload: AuditPayload<Event>) => void
}

/**
 * Takes from one subject what it does not have in `state`; `sql` is a change under way. Returns the
 * events to record, none when there is nothing to take.
 */
export async function applyState(
  sql: Sql,
  peppers: Peppers,
  organization_id: string,
  { kind, id }: Subject,
  state: SubjectState,
  now: number,
): Promise<AppliedEvent[]> {
  const events: AppliedEvent[] = []
  const record: Application['record'] = (type, payload) => events.push({ type, payload })
  const present = await readState(sql, peppers, organization_id, { kind, id })
  if (present.alive) await appliers[kind]({ sql, peppers, organization_id, now, record }, id, state, present)
  return events
}

type Applier = (to: Application, id: string, state: SubjectState, present: SubjectState) => Promise<void>

const appliers: Record<Subject['kind'], Applier> = {
  async session(to, id, state) {
    if (!state.alive) await updateRow(to, 'sessions', id, endedSession(to.now))
  },

  async key(to, id, state, present) {
    if (!state.alive) return deleteKeys(to, 'id', id)
    const { scopes, expires_at = null, version = 0 } = state
    if (scopes === undefined) return
    const isLonger = expires_at !== null && (present.expires_at ?? Infinity) > expires_at
    const isSame = scopes === present.scopes && !isLonger
    if (isSame && (present.version ?? 0) >= version) return
    const { sql, peppers, organization_id } = to
    const isChanged = await changeKey(
      sql,
      { peppers, isRevoked: () => false },
      { organization_id, id },
      { scopes, ...(isLonger && { expires_at }) },
      { above: version },
    )
    // A forged key opens nothing as it is.
    if (isChanged && !isSame)
      to.record('api_key.updated', { id, changes_requested: { scopes: JSON.parse(scopes) as string[] } })
  },

  async owner(to, id, state, present) {
    const { sql, organization_id } = to
    if (await isLastOwner(to, id)) {
      // Somebody must be left to whom "keyhall admin-keys create" can give a key. The keys that
      // this person had are deleted.
      if (!state.alive || !holds(state, organization_id, 'owner')) await deleteKeys(to, 'owner_id', id)
      return
    }
    await cutRoles(to, id, 'user', present, state.alive ? state : { alive: false })
    for (const group_id of present.groups ?? []) {
      if (state.alive && state.groups?.includes(group_id)) continue
      await sql
        .deleteFrom('group_users')
        .where('organization_id', '=', organization_id)
        .where('group_id', '=', group_id)
        .where('user_id', '=', id)
        .execute()
      to.record('tenant.group.member.removed', { id: group_id, user_id: id })
    }
    const isAccount = present.account_role !== undefined
    if (!state.alive) {
      await updateRow(to, isAccount ? 'service_accounts' : 'users', id, { deleted_at: to.now })
      to.record(isAccount ? 'service_account.deleted' : 'user.deleted', { id })
      await deleteKeys(to, 'owner_id', id)
    } else if (isAccount && state.account_role !== undefined && state.account_role !== present.account_role) {
      const role = state.account_role
      await updateRow(to, 'service_accounts', id, { role })
      to.record('service_account.updated', { id, changes_requested: { role } })
    }
  },

  async project(to, id, state) {
    if (state.alive) return
    await updateRow(to, 'projects', id, { archived_at: to.now })
    to.record('project.archived', { id })
  },

  async group(to, id, state, present) {
    await cutRoles(to, id, 'group', present, state.alive ? state : { alive: false })
    if (state.alive) return
    await to.sql
      .deleteFrom('group_users')
      .where('organization_id', '=', to.organization_id)
      .where('group_id', '=', id)
      .execute()
    await updateRow(to, 'groups', id, { deleted_at: to.now })
    to.record('group.deleted', { id })
  },

  async role(to, id, state, present) {
    if (!state.alive) {
      await to.sql
        .deleteFrom('role_assignments')
        .where('organization_id', '=', to.organization_id)
        .where('role', '=', id)
        .execute()
      await updateRow(to, 'roles', id, { deleted_at: to.now })
      to.record('role.deleted', { id })
      return
    }
    const kept = present.permissions!.filter((permission) => state.permissions!.includes(permission))
    const permissions_removed = present.permissions!.filter((permission) => !kept.includes(permission))
    if (permissions_removed.length === 0) return
    await updateRow(to, 'roles', id, { permissions: JSON.stringify(kept) })
    const { resource_id } = (await findRow(to.sql, 'roles', to.organization_id, id))!
    to.record('role.updated', { id, changes_requested: { permissions_removed, ...resourceFields(to, resource_id) } })
  },

  async invite(to, id, state) {
    if (state.alive) return
    await updateRow(to, 'invites', id, { deleted_at: to.now })
    to.record('invite.deleted', { id })
  },

  provider: applyToProvider,
  rule: applyToRule,
}

const holds = ({ roles = [] }: SubjectState, resource_id: string, role: string) =>
  roles.some(([resource, held]) => resource === resource_id && held === role)

/** Deletes the living keys, of both kinds, whose `column` is `value`. */
async function deleteKeys(
  { sql, organization_id, now, record }: Application,
  column: 'id' | 'owner_id',
  value: string,
) {
  for (const table of ['api_keys', 'admin_api_keys'] as const) {
    const deleted = await sql
      .updateTable(table)
      .set(deletedKey(now))
      .where('organization_id', '=', organization_id)
      .where(column, '=', value)
      .where('deleted_at', 'is', null)
      .returning('id')
      .execute()
    for (const { id } of deleted) record('api_key.deleted', { id })
  }
}

/**
 * Takes the roles that somebody holds now and not in `state`. Where a built-in role had replaced
 * another, it replaces it again: otherwise an owner who had become a reader would have no role at
 * all.
 */
async function cutRoles(
  to: Application,
  principal_id: string,
  principal_type: 'user' | 'group',
  present: SubjectState,
  state: SubjectState,
) {
  const { sql, organization_id, now } = to
  for (const [resource_id, role] of present.roles ?? []) {
    if (holds(state, resource_id, role)) continue
    const place = { organization_id, resource_id, principal_id }
    await sql
      .deleteFrom('role_assignments')
      .where('organization_id', '=', organization_id)
      .where('resource_id', '=', resource_id)
      .where('principal_id', '=', principal_id)
      .where('role', '=', role)
      .execute()
    to.record('role.assignment.deleted', { id: role, principal_id, principal_type, ...resourceFields(to, resource_id) })
    for (const [resource, instead] of state.roles ?? [])
      if (resource === resource_id && builtIn.includes(instead) && !holds(present, resource_id, instead))
        await sql
          .insertInto('role_assignments')
          .values({ ...place, role: instead, created_at: now, created_by: null })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
  }
}

const builtIn = ['owner', 'reader', 'member', 'viewer']

const resourceFields = ({ organization_id }: Application, resource_id: string) => ({
  resource_id,
  resource_type: resource_id === organization_id ? 'api.organization' : 'api.project',
})

async function isLastOwner({ sql, organization_id }: Application, id: string): Promise<boolean> {
  const owners = await sql
    .selectFrom('users as user')
    .select('user.id')
    .where('user.organization_id', '=', organization_id)
    .where('user.deleted_at', 'is', null)
    .where(isOrganizationOwner('user.organization_id', 'user.id'))
    .limit(2)
    .execute()
  return owners.length === 1 && owners[0]!.id === id
}
