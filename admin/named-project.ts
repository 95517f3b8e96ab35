/** Finds the project that the path of a call names. */
import { notFound } from '../contract/errors.ts'
import { statement } from '../database/statement.ts'
import type { ProjectRow } from '../database/tables.ts'
import type { Sql } from '../database/types.ts'
import { storable } from './validate.ts'

/**
 * An id that storage cannot hold belongs to no object. It gets replacement characters, so that it
 * is looked up and not found.
 */
export const storableId = (id: string) => (storable(id) ? id : id.toWellFormed().replaceAll('\0', '\uFFFD'))

/** Throws 404. */
export async function findProject(sql: Sql, organization_id: string, id: string): Promise<ProjectRow> {
  const [project] = await selectProject(sql, { organization_id, id })
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
