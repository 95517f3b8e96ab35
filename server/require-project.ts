/** For commands on the host that take the id of a project. */
import type { Database } from '../database/types.ts'
import { Failed } from '../world/failed.ts'

/** Throws Failed where no organization has a project with this id; null names none. */
export async function requireProject({ read }: Database, project_id: string | null) {
  if (project_id === null) return
  const known = read.selectFrom('projects').select('id').where('id', '=', project_id)
  if (!(await known.executeTakeFirst())) throw new Failed('There is no project with this id.')
}
