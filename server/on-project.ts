/** What commands on the host have in common that take the id of a project, or none. */
import type { Database } from '../database/types.ts'
import type { ExitCode } from '../world/failed.ts'
import { Failed } from '../world/failed.ts'
import type { Config } from './config.ts'
import { openStartedWithPepper, type OpenStorage } from './open-storage.ts'

/**
 * Opens the database for `act`, and closes it. Throws Failed where no organization has a project
 * with this id; null names none.
 */
export async function onProject(
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file'>,
  project_id: string | null,
  act: (storage: OpenStorage) => Promise<void>,
): Promise<ExitCode> {
  const storage = await openStartedWithPepper(config)
  try {
    await requireProject(storage.database, project_id)
    await act(storage)
    return 0
  } finally {
    await storage.database.close()
  }
}

async function requireProject({ read }: Database, project_id: string | null) {
  if (project_id === null) return
  const known = read.selectFrom('projects').select('id').where('id', '=', project_id)
  if (!(await known.executeTakeFirst())) throw new Failed('There is no project with this id.')
}
