/** Finds a project that a body names. */
import type { ProjectRow } from '../../database/tables.ts'
import type { Call } from '../call.ts'

/** Undefined for one of another organization, as for one that does not exist. */
export const findProjectById = (
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
): Promise<ProjectRow | undefined> =>
  db
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirst()
