/** Finds a project that the path or the body of a call names. */
import { notFound } from '../../contract/errors.ts'
import { statement } from '../../database/statement.ts'
import type { ProjectRow } from '../../database/tables.ts'
import type { Sql } from '../../database/types.ts'
import type { Call } from '../call.ts'

/** Undefined for one of another organization, as for one that does not exist. */
export async function findProjectById(
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
): Promise<ProjectRow | undefined> {
  const [project] = await selectProject(db, { organization_id, id })
  return project
}

/** The same, but throws 404. */
export async function requireProject(call: Pick<Call, 'db' | 'organization_id'>, id: string): Promise<ProjectRow> {
  const project = await findProjectById(call, id)
  if (!project) throw notFound('project', id)
  return project
}

const selectProject = statement((sql: Sql, params: { organization_id: string; id: string }) =>
  sql
    .selectFrom('projects')
    .selectAll()
    .where('organization_id', '=', params.organization_id)
    .where('id', '=', params.id),
)
