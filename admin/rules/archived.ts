/** An archived project can be looked at, not changed. */
import { projectArchived } from '../../contract/errors.ts'
import type { ProjectRow } from '../../database/tables.ts'

/** Throws 400 for an archived project. */
export function notArchived(project: ProjectRow) {
  if (project.archived_at !== null) throw projectArchived(project.name)
}
