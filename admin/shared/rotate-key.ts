/**
 * Rotation: a new key takes the place of an old one, which goes on working for a while, so that
 * programs can be given the new one meanwhile.
 */
import { invalid, notFound } from '../../contract/errors.ts'
import type { projectApiKeys } from '../../contract/project-api-keys.ts'
import { changeKey } from '../../keys/key-mac.ts'
import type { Call } from '../call.ts'
import { addKey } from './add-key.ts'

type InOrganization = Pick<
  Call<typeof projectApiKeys.rotate>,
  'db' | 'organization_id' | 'keys' | 'world' | 'now' | 'newId' | 'record'
>

/**
 * Makes a key with the owner, the name and the scopes of an old one, and lets the old one expire.
 * Without `expires_in_seconds` the new key lives as long as the old one was to live. Returns the id
 * and the value of the new key. Throws 400 for a key that has expired.
 */
export async function rotateKey(
  call: InOrganization,
  id: string,
  { overlap_seconds = 86_400, expires_in_seconds }: Call<typeof projectApiKeys.rotate>['body'],
): Promise<{ id: string; value: string }> {
  const { db, organization_id, now } = call
  const old = await db
    .selectFrom('api_keys')
    .select(['project_id', 'owner_type', 'owner_id', 'name', 'scopes', 'created_at', 'expires_at'])
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (old.expires_at !== null && old.expires_at <= now) throw invalid(`API key ${id} is expired and cannot be rotated`)
  const { project_id, owner_type, owner_id, name } = old
  const lifetime = expires_in_seconds ?? (old.expires_at === null ? null : old.expires_at - old.created_at)
  const wanted = { name, scopes: JSON.parse(old.scopes) as string[], expires_in_seconds: lifetime }
  const place = { project_id, owner_type: owner_type as 'user' | 'service_account', owner_id }
  const made = await addKey(call, place, wanted)
  const ends = Math.min(old.expires_at ?? Infinity, now + overlap_seconds)
  await expireSoon(call, id, ends)
  if (ends !== old.expires_at)
    call.record('api_key.updated', { id, changes_requested: { expires_in_seconds: ends - now } }, project_id)
  return { id: made.id, value: made.value }
}

async function expireSoon({ db, keys, organization_id }: InOrganization, id: string, expires_at: number) {
  if (await changeKey(db, keys, { organization_id, id }, { expires_at })) return
  keys.reportForged(id)
  throw notFound('api_key', id)
}
