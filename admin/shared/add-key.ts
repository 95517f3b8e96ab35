/** Keys that people own. */
import { withMac } from '../../keys/key-mac.ts'
import type { Call } from '../call.ts'
import { issueKey } from './issue-key.ts'

interface Wanted {
  name: string
  scopes?: readonly string[]
  expires_in_seconds?: number | null
}

/** Makes a key for a person who has access to the project. Returns its id and its value. */
export async function addPersonalKey(
  call: Pick<Call, 'db' | 'organization_id' | 'keys' | 'world' | 'now' | 'newId'>,
  { project_id, user_id }: { project_id: string; user_id: string },
  wanted: Wanted,
): Promise<{ id: string; value: string }> {
  const { value, columns } = issueKey(call, 'project', wanted)
  await call.db
    .insertInto('api_keys')
    .values(
      withMac(call.keys.pepper, 'api_keys', {
        organization_id: call.organization_id,
        project_id,
        owner_type: 'user' as const,
        owner_id: user_id,
        ...columns,
      }),
    )
    .execute()
  return { id: columns.id, value }
}
