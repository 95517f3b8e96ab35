/** An archived project can be read but not changed. */
import { projectArchived } from '../../contract/errors.ts'
import type { ProjectRow } from '../../database/tables.ts'

/**
 * Throws 400 for an archived project. Where roles of the organization are changed there is no
 * project, and nothing to check.
 */
export function requireActive(project: ProjectRow | undefined) {
  if (project && project.archived_at !== null) throw projectArchived(project.name)
}
