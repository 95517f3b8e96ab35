/**
 * From the token of a session to the person behind it. The row is read from the database with each
 * call, so a session that was ended, and a role that was taken away, open nothing on any server
 * from the moment that the change is committed.
 */
import { sessionEnded } from '../contract/session-errors.ts'
import type { AdminScope } from '../contract/scopes.ts'
import { IDLE_SECONDS } from '../contract/sessions.ts'
import type { SessionRow } from '../database/identity-tables.ts'
import { statement } from '../database/statement.ts'
import type { Sql } from '../database/types.ts'
import { base62 } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { networksOf, organizationAllowlist, requireAllowed } from './allowed-networks.ts'
import { isAdminScope, mayByScopes, type Caller } from './admin-caller.ts'
import { sameBytes, searchOrder, sessionDigest } from './digest.ts'
import { readHeldPermissions, type HeldPermissions } from './held-permissions.ts'
import { hasMac } from './key-mac.ts'
import type { KeyRing } from './ring.ts'
import { hasTrustMac } from './trust-mac.ts'

/** 256 bits. */
const TOKEN = /^[0-9A-Za-z]{43}$/

export const newSessionToken = (random: World['random']): string => base62(random, 43)

interface Shown {
  session: string
  ip_address: string | null
}

/**
 * The person who is signed in with this token. Throws one 401 for every token that opens nothing,
 * and another where the IP allow list of the organization lacks the address. `project_id` names a
 * project whose roles count too.
 */
export async function verifySession(
  sql: Sql,
  keys: KeyRing,
  { session: token, ip_address }: Shown,
  now: number,
  project_id?: string,
): Promise<Caller> {
  const row = TOKEN.test(token) ? await findSession(sql, keys, token, now) : undefined
  if (!row) throw sessionEnded()
  const { organization_id, user_id, email, id, expires_at } = row
  const [held, scopes] = await Promise.all([
    readHeldPermissions(sql, { organization_id, user_id, project_id }),
    row.admin_key_id === null ? null : scopesOf(sql, keys, row, now),
  ])
  if (!keepsRole(row.role, held.role) || scopes === undefined) throw sessionEnded()
  if (scopes !== null && held.role !== 'owner') throw sessionEnded()
  const networks = networksOf(row.allowed_ips)
  if (networks !== null) requireAllowed([networks], ip_address)
  const session = { id, expires_at, scopes }
  return { organization_id, user_id, email, key_id: null, session, may: mayDo(held, scopes) }
}

/**
 * What the person may do, an owner of the organization everything; within the scopes of the admin
 * key that the session began with.
 */
function mayDo({ role, organization, project }: HeldPermissions, scopes: readonly AdminScope[] | null): Caller['may'] {
  const isInScope = scopes === null ? () => true : mayByScopes(scopes)
  const holds = (permission: string) => role === 'owner' || organization.has(permission) || project.has(permission)
  return (permission) => holds(permission) && isInScope(permission)
}

/** Whether the person still has the role in the organization that the session began with. */
const keepsRole = (then: string, now: HeldPermissions['role']) => then === 'member' || then === now || now === 'owner'

async function findSession(sql: Sql, keys: KeyRing, token: string, now: number) {
  for (const n of searchOrder(keys.peppers.length)) {
    const pepper = keys.peppers[n]!
    const sought = sessionDigest(pepper, token)
    const [row] = await sessionByDigest(sql, { digest: sought })
    if (!row || !sameBytes(row.digest, sought)) continue
    if (!isLiving(row, now) || row.deleted_at !== null) return undefined
    if (hasTrustMac([pepper], 'sessions', row) && !keys.isRevoked(row.id)) return row
    keys.reportForged(row.id)
    return undefined
  }
  return undefined
}

/** Neither ended, nor expired, nor unused for too long. */
const isLiving = ({ ended_at, expires_at, last_used_at }: SessionRow, now: number) =>
  ended_at === null && expires_at > now && last_used_at + IDLE_SECONDS > now

/** Of the admin key that the session began with; undefined when the key opens nothing any more. */
async function scopesOf(
  sql: Sql,
  keys: KeyRing,
  { organization_id, admin_key_id, user_id }: SessionRow,
  now: number,
): Promise<AdminScope[] | undefined> {
  const [key] = await adminKeyById(sql, { organization_id, id: admin_key_id! })
  if (!key || key.owner_id !== user_id || key.deleted_at !== null) return undefined
  if (key.expires_at !== null && key.expires_at <= now) return undefined
  if (!hasMac(keys.peppers, 'admin_api_keys', key) || keys.isRevoked(key.id)) return undefined
  return (JSON.parse(key.scopes) as string[]).filter(isAdminScope)
}

const sessionByDigest = statement((sql: Sql, params: { digest: Uint8Array }) =>
  sql
    .selectFrom('sessions as session')
    .innerJoin('users as user', (on) =>
      on.onRef('user.organization_id', '=', 'session.organization_id').onRef('user.id', '=', 'session.user_id'),
    )
    .selectAll('session')
    .select(['user.email', 'user.deleted_at'])
    .select(organizationAllowlist('session.organization_id').as('allowed_ips'))
    .where('session.digest', '=', params.digest),
)

const adminKeyById = statement((sql: Sql, params: { organization_id: string; id: string }) =>
  sql
    .selectFrom('admin_api_keys')
    .select(['organization_id', 'id', 'digest', 'owner_id', 'scopes', 'expires_at', 'deleted_at', 'mac'])
    .where('organization_id', '=', params.organization_id)
    .where('id', '=', params.id),
)
