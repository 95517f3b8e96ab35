/** Deletes a key of a project: at once and for good, whoever owns it. */
import { deletedKey } from '../../keys/key-mac.ts'
import type { Call } from '../call.ts'
import { deletedResult } from './deleted-result.ts'

type InOrganization = Pick<Call, 'db' | 'organization_id' | 'now'> & {
  record: (type: 'api_key.deleted', payload: { id: string }, project_id: string) => void
}

/** The key must exist in the organization and be in the project. */
export async function deleteProjectKey(call: InOrganization, id: string, project_id: string) {
  await call.db
    .updateTable('api_keys')
    .set(deletedKey(call.now))
    .where('organization_id', '=', call.organization_id)
    .where('id', '=', id)
    .execute()
  call.record('api_key.deleted', { id }, project_id)
  return deletedResult('organization.project.api_key', id)
}
