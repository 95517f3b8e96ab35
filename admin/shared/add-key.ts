/** Keys of projects, whoever owns them. */
import type { projectApiKeys } from '../../contract/project-api-keys.ts'
import { withMac } from '../../keys/key-mac.ts'
import type { Call } from '../call.ts'
import { issueKey } from './issue-key.ts'

type Adding = Pick<
  Call<typeof projectApiKeys.create>,
  'db' | 'organization_id' | 'keys' | 'world' | 'now' | 'newId' | 'record'
>

/** In which project the key is, and whose it is. */
interface Place {
  project_id: string
  owner_type: 'user' | 'service_account'
  owner_id: string
}

interface Wanted {
  name: string
  scopes?: readonly string[]
  expires_in_seconds?: number | null
}

/**
 * Makes a key for somebody who has access to the project, and leaves the event. Only what it
 * returns has the value.
 */
export async function addKey(call: Adding, place: Place, wanted: Wanted) {
  const { organization_id } = call
  const kind = place.owner_type === 'user' ? 'project' : 'service_account'
  const { value, columns } = issueKey(call, kind, wanted)
  await call.db
    .insertInto('api_keys')
    .values(withMac(call.keys.pepper, 'api_keys', { organization_id, ...place, ...columns }))
    .execute()
  const { id, name, created_at, expires_at } = columns
  call.record('api_key.created', { id, data: { scopes: [...(wanted.scopes ?? [])] } }, place.project_id)
  return { id, name, value, created_at, expires_at }
}
