/**
 * From an Authorization header to the caller behind it: format, checksum, digest, storage,
 * constant-time comparison, status, expiry.
 */
import { forbidden, incorrectKey, unauthenticated } from '../contract/errors.ts'
import type { AdminScope } from '../contract/scopes.ts'
import { networksOf, organizationAllowlist, requireAllowed } from './allowed-networks.ts'
import type { Sql } from '../database/types.ts'
import { statement } from '../database/statement.ts'
import { isOrganizationOwner } from './access.ts'
import { mayByScopes, type Caller } from './admin-caller.ts'
import { asLatin1, digest, sameBytes, searchOrder } from './digest.ts'
import { mask, parseKey } from './format.ts'
import { hasMac, type KeyTable, type Sealed } from './key-mac.ts'
import { isPossible, type KeyRing } from './ring.ts'

/** What a call shows of its caller. */
export interface Shown {
  authorization: string | null
  ip_address: string | null
}

/**
 * The caller with this header. Throws the same 401 for a token that is no key, for unknown, deleted
 * and expired keys, and for keys whose owner is no owner of the organization any more; 401 where
 * the IP allow list of the organization lacks the address; 403 naming `needed` for a living key
 * that is no admin key.
 */
export async function verifyAdminKey(
  sql: Sql,
  keys: KeyRing,
  { authorization, ip_address }: Shown,
  now: number,
  needed: AdminScope = 'api.management.read',
): Promise<Caller & { key_id: string }> {
  const token = bearer(authorization)
  const parsed = parseKey(token)
  const refuse = () => incorrectKey(mask(token))
  if (!parsed) throw refuse()
  const current = digest(keys.pepper, token)
  if (!isPossible(keys, token, parsed, asLatin1(current))) throw refuse()
  if (parsed.kind !== 'admin')
    throw (await findLiving(keys, 'api_keys', { token, current, now }, (digest) => projectKey(sql, { digest })))
      ? forbidden(needed)
      : refuse()

  const row = await findLiving(keys, 'admin_api_keys', { token, current, now }, (digest) => adminKey(sql, { digest }))
  if (!row?.is_owner || row.owner_deleted_at) throw refuse()
  const { organization_id, id, owner_id, email } = row
  const networks = networksOf(row.allowed_ips)
  if (networks !== null) requireAllowed([networks], ip_address)
  const may = mayByScopes(JSON.parse(row.scopes) as AdminScope[])
  return { organization_id, key_id: id, session: null, user_id: owner_id, email, may }
}

/** The row of a key that is neither deleted, expired nor forged. */
async function findLiving<Table extends KeyTable, Row extends StoredKey<Table>>(
  keys: KeyRing,
  table: Table,
  { token, current, now }: { token: string; current: Buffer; now: number },
  read: (digest: Buffer) => Promise<Row[]>,
): Promise<Row | undefined> {
  for (const n of searchOrder(keys.peppers.length)) {
    const pepper = keys.peppers[n]!
    const sought = pepper === keys.pepper ? current : digest(pepper, token)
    const [row] = await read(sought)
    if (!row) continue
    const isExpired = row.expires_at !== null && row.expires_at <= now
    if (!sameBytes(row.digest, sought) || row.deleted_at !== null || isExpired) return undefined
    if (hasMac([pepper], table, row) && !keys.isRevoked(row.id, versionOf(row))) {
      if (pepper !== keys.pepper) keys.redigests.add({ ...row, table, digest: current })
      return row
    }
    keys.reportForged(row.id)
    break
  }
  keys.unknown.add(asLatin1(current))
  return undefined
}

type StoredKey<Table extends KeyTable> = Sealed<Table> & {
  expires_at: number | null
  deleted_at: number | null
}

/** Admin keys are never changed, only deleted. */
const versionOf = (row: object) => ('version' in row ? (row.version as number) : undefined)

/**
 * The token of `Bearer <token>`, behind one or more spaces (RFC 9110, 11.4). Bun joins a repeated
 * header with a comma, so a header with a comma was sent more than once.
 */
export function bearer(authorization: string | null): string {
  let start = BEARER.length
  while (authorization?.[start] === ' ') start++
  const token = authorization?.slice(start) ?? ''
  const isBearer = authorization?.slice(0, BEARER.length).toLowerCase() === BEARER
  if (!isBearer || token === '' || /[\s,]/.test(token)) throw unauthenticated()
  return token
}

const BEARER = 'bearer '

const adminKey = statement((sql: Sql, params: { digest: Uint8Array }) =>
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
      'key.mac',
    ])
    .select(['owner.email', 'owner.deleted_at as owner_deleted_at'])
    .select(isOrganizationOwner('key.organization_id', 'key.owner_id').as('is_owner'))
    .select(organizationAllowlist('key.organization_id').as('allowed_ips'))
    .where('key.digest', '=', params.digest),
)

const projectKey = statement((sql: Sql, params: { digest: Uint8Array }) =>
  sql
    .selectFrom('api_keys')
    .select(['organization_id', 'project_id', 'id', 'digest', 'owner_type', 'owner_id', 'scopes'])
    .select(['expires_at', 'deleted_at', 'version', 'mac'])
    .where('digest', '=', params.digest),
)
