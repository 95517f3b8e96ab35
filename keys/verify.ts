/** From an Authorization header to the caller behind it: format, checksum, digest, storage, constant-time comparison, status, expiry. */
import { forbidden, incorrectKey, unauthenticated } from '../contract/errors.ts'
import type { AdminScope } from '../contract/permissions.ts'
import type { Sql } from '../database/open.ts'
import { statement } from '../database/statement.ts'
import type { ApiKeyRow } from '../database/tables.ts'
import { isOrganizationOwner } from './access.ts'
import { digest, nameOf, sameBytes } from './digest.ts'
import { mask, parseKey } from './format.ts'
import { isPossible, type KeyRing } from './ring.ts'

/** The owner of an admin key, and what the key may do. */
export interface AdminCaller {
  organization_id: string
  key_id: string
  scopes: readonly AdminScope[]
  user_id: string
  email: string
}

/**
 * Who calls with this header. Throws 401 alike for garbage, unknown, deleted and expired keys and for keys whose owner is no owner
 * any more; 403 naming `needed` for a living key that is no admin key.
 */
export async function verifyAdminKey(
  sql: Sql,
  keys: KeyRing,
  authorization: string | null,
  now: number,
  needed: AdminScope = 'api.management.read',
): Promise<AdminCaller> {
  const token = bearer(authorization)
  const parsed = parseKey(token)
  const refuse = () => incorrectKey(mask(token))
  if (!parsed) throw refuse()
  const sought = digest(keys.pepper, token)
  if (!isPossible(keys, token, parsed, nameOf(sought))) throw refuse()

  const alive = (row: StoredKey | undefined) => {
    if (!row) keys.unknown.add(nameOf(sought))
    return row && sameBytes(row.digest, sought) && !row.deleted_at && (row.expires_at === null || row.expires_at > now)
  }
  if (parsed.kind !== 'admin')
    throw alive((await projectKey(sql, { digest: sought }))[0]) ? forbidden(needed) : refuse()

  const [row] = await adminKey(sql, { digest: sought })
  if (!alive(row) || !row?.is_owner || row.owner_deleted_at) throw refuse()
  const { organization_id, id, owner_id, email } = row
  return { organization_id, key_id: id, scopes: JSON.parse(row.scopes) as AdminScope[], user_id: owner_id, email }
}

type StoredKey = Pick<ApiKeyRow, 'digest' | 'expires_at' | 'deleted_at'>

/** The token of `Bearer <token>`. Bun joins a repeated header with a comma, so a comma means that it was not exactly one. */
export function bearer(authorization: string | null): string {
  const token = authorization?.slice(BEARER.length) ?? ''
  const isBearer = authorization?.slice(0, BEARER.length).toLowerCase() === BEARER
  if (!isBearer || token === '' || /[\s,]/.test(token)) throw unauthenticated()
  return token
}

const BEARER = 'bearer '

const adminKey = statement((sql: Sql, $: { digest: Uint8Array }) =>
  sql
    .selectFrom('admin_api_keys as key')
    .innerJoin('users as owner', (on) =>
      on.onRef('owner.organization_id', '=', 'key.organization_id').onRef('owner.id', '=', 'key.owner_id'),
    )
    .select([
      'key.organization_id',
      'key.id',
      'key.digest',
      'key.scopes',
      'key.owner_id',
      'key.expires_at',
      'key.deleted_at',
    ])
    .select(['owner.email', 'owner.deleted_at as owner_deleted_at'])
    .select(isOrganizationOwner('key.organization_id', 'key.owner_id').as('is_owner'))
    .where('key.digest', '=', $.digest),
)

const projectKey = statement((sql: Sql, $: { digest: Uint8Array }) =>
  sql.selectFrom('api_keys').select(['digest', 'expires_at', 'deleted_at']).where('digest', '=', $.digest),
)
