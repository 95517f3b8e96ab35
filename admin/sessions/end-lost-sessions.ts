/** Sessions whose person has lost the role that they signed in with, or has left. */
import { IDLE_SECONDS } from '../../contract/sessions.ts'
import type { Sql } from '../../database/types.ts'
import type { Invalidation } from '../../revocation/invalidation.ts'
import type { RecordedEvent } from '../audit-chain.ts'
import { endedSession } from './start-session.ts'

/**
 * Ends the sessions that a change took the role of, for good: whoever gets the role back signs in
 * again. Those of the people whom the change is about are looked at; of everybody, where it can be
 * about anybody, such as the members of a group. Returns an event for each, which stands after that
 * of the change and has the same actor. One that is idle was over before: it has no event, and ends
 * in its row, so that a use that is written late cannot bring it back.
 */
export async function endLostSessions(
  sql: Sql,
  organization_id: string,
  invalidations: readonly Invalidation[],
  now: number,
  newId: (prefix: string) => string,
): Promise<RecordedEvent<'logout.succeeded'>[]> {
  const isAboutAll = invalidations.some(({ scope }) => scope === 'organization')
  const people = invalidations.flatMap((one) => (one.scope === 'owner' ? [one.id] : []))
  if (!isAboutAll && people.length === 0) return []
  const open = sql
    .updateTable('sessions')
    .set(endedSession(now))
    .where('organization_id', '=', organization_id)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .where((session) => {
      const groups = session
        .selectFrom('group_users')
        .select('group_id')
        .where('group_users.organization_id', '=', organization_id)
        .where('group_users.user_id', '=', session.ref('sessions.user_id'))
      const holdsRole = session
        .selectFrom('role_assignments as held')
        .select('held.role')
        .where('held.organization_id', '=', organization_id)
        .where('held.resource_id', '=', organization_id)
        .where((is) => is.or([is('held.role', '=', 'owner'), is('held.role', '=', is.ref('sessions.role'))]))
        .where((is) =>
          is.or([is('held.principal_id', '=', is.ref('sessions.user_id')), is('held.principal_id', 'in', groups)]),
        )
      const belongs = session
        .selectFrom('users')
        .select('users.id')
        .where('users.organization_id', '=', organization_id)
        .where('users.id', '=', session.ref('sessions.user_id'))
        .where('users.deleted_at', 'is', null)
      const keepsRole = session.or([session('role', '=', 'member'), session.exists(holdsRole)])
      return session.not(session.and([session.exists(belongs), keepsRole]))
    })
  const lost = await (isAboutAll ? open : open.where('user_id', 'in', people))
    .returning(['id', 'last_used_at'])
    .execute()
  const used = lost.filter(({ last_used_at }) => last_used_at + IDLE_SECONDS > now)
  const ids = used.map(({ id }) => id).toSorted()
  return ids.map((id) => ({ id: newId('audit_log-'), type: 'logout.succeeded', payload: { id }, project_id: null }))
}
