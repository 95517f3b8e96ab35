/** Begins and ends sessions, however a person signs in. */
import { IDLE_SECONDS, MOST_SESSIONS, SESSION_SECONDS, type SignInMethod } from '../../contract/sessions.ts'
import type { SessionRow } from '../../database/identity-tables.ts'
import type { Sql } from '../../database/types.ts'
import { sessionDigest } from '../../keys/digest.ts'
import { readHeldPermissions } from '../../keys/held-permissions.ts'
import { withTrustMac } from '../../keys/trust-mac.ts'
import { newSessionToken } from '../../keys/verify-session.ts'
import type { sessions } from '../../contract/sessions.ts'
import type { Call } from '../call.ts'

type Starting = Pick<
  Call<typeof sessions.create>,
  'db' | 'keys' | 'world' | 'now' | 'newId' | 'organization_id' | 'ip_address' | 'user_agent' | 'keepSession' | 'record'
>

/**
 * Signs a person in: makes a session with a new token, which the browser gets as a cookie, and
 * leaves the event. Returns the id of the session.
 */
export async function startSession(
  call: Starting,
  { user_id, method, admin_key_id = null }: { user_id: string; method: SignInMethod; admin_key_id?: string | null },
): Promise<string> {
  const { db, keys, organization_id, now, ip_address, user_agent } = call
  const token = newSessionToken(call.world.random)
  const { role } = await readHeldPermissions(db, { organization_id, user_id })
  const row = withTrustMac(keys.pepper, 'sessions', {
    organization_id,
    id: call.newId('sess_'),
    digest: sessionDigest(keys.pepper, token),
    user_id,
    role,
    method,
    admin_key_id,
    ip_address,
    user_agent,
    created_at: now,
    expires_at: now + SESSION_SECONDS,
    last_used_at: now,
    ended_at: null,
  })
  await makeRoom(call, user_id)
  await db.insertInto('sessions').values(row).execute()
  call.keepSession(token)
  call.record('login.succeeded', { id: row.id, method })
  return row.id
}

/** The columns that end a session. */
export const endedSession = (now: number): Pick<SessionRow, 'ended_at' | 'mac'> => ({ ended_at: now, mac: null })

/** Ends every session of an organization, in a database that is older than it should be. */
export const endAllSessions = (sql: Sql, organization_id: string, now: number) =>
  sql
    .updateTable('sessions')
    .set(endedSession(now))
    .where('organization_id', '=', organization_id)
    .where('ended_at', 'is', null)
    .execute()

/**
 * Ends the oldest sessions of a person who has as many as there can be. Those that are idle are
 * over.
 */
async function makeRoom({ db, organization_id, now, record }: Starting, user_id: string) {
  const kept = await db
    .selectFrom('sessions')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('user_id', '=', user_id)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .where('last_used_at', '>', now - IDLE_SECONDS)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .offset(MOST_SESSIONS - 1)
    .limit(MOST_SESSIONS)
    .execute()
  if (kept.length === 0) return
  const ids = kept.map(({ id }) => id)
  await db
    .updateTable('sessions')
    .set(endedSession(now))
    .where('organization_id', '=', organization_id)
    .where('id', 'in', ids)
    .execute()
  for (const id of ids) record('logout.succeeded', { id })
}
