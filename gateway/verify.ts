/** Who calls the gateway, straight from the database. */
import { forbidden, incorrectKey } from '../contract/errors.ts'
import type { Database, Sql } from '../database/open.ts'
import { statement } from '../database/statement.ts'
import { digest, sameBytes } from '../keys/digest.ts'
import { mask, parseKey } from '../keys/format.ts'
import type { LastUsed } from '../keys/last-used.ts'
import { bearer, type KeyRing } from '../keys/verify.ts'
import { seconds, type World } from '../keys/world.ts'
import type { Authorize } from './caller.ts'

interface VerifyContext {
  database: Database
  keys: KeyRing
  lastUsed: LastUsed
  world: World
}

export const authorizeFrom =
  ({ database, keys, lastUsed, world }: VerifyContext): Authorize =>
  async (authorization, needed) => {
    const token = bearer(authorization)
    if (!parseKey(token)?.checked) throw incorrectKey(mask(token))
    const sought = digest(keys.pepper, token)
    const now = seconds(world)
    const [key] = await projectKey(database.read, { digest: sought })
    const alive = key && sameBytes(key.digest, sought) && !key.deleted_at && (key.expires_at ?? Infinity) > now
    if (!alive || key.archived_at) throw incorrectKey(mask(token))
    const scopes = JSON.parse(key.scopes) as string[]
    if (scopes.length > 0 && !scopes.includes(needed)) throw forbidden(needed)
    const { organization_id, project_id, id, owner_type, owner_id } = key
    lastUsed.note('api_keys', organization_id, id, now)
    return { organization_id, project_id, key_id: id, owner_type, owner_id, scopes }
  }

const projectKey = statement((sql: Sql, $: { digest: Uint8Array }) =>
  sql
    .selectFrom('api_keys as key')
    .innerJoin('projects as project', (on) =>
      on.onRef('project.organization_id', '=', 'key.organization_id').onRef('project.id', '=', 'key.project_id'),
    )
    .select(['key.organization_id', 'key.project_id', 'key.id', 'key.digest', 'key.scopes'])
    .select(['key.owner_type', 'key.owner_id', 'key.expires_at', 'key.deleted_at', 'project.archived_at'])
    .where('key.digest', '=', $.digest),
)
