/** `keyhall ip-allowlists lift`: lets the operator in again who was locked out. */
import { liftAllowlists } from '../admin/lift-allowlists.ts'
import type { ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { onProject } from './on-project.ts'

export const lift = (
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file'>,
  project_id: string | null,
  { out }: Terminal,
): Promise<ExitCode> =>
  onProject(config, project_id, async ({ database, peppers }) => {
    const lifted = await liftAllowlists(database, peppers, realWorld, project_id)
    for (const { organization_id, project_id, id, name } of lifted)
      out(`${id} (${name}) is not active any more for ${project_id || organization_id}.\n`)
    if (lifted.length === 0) out('No IP allow list is active there.\n')
  })
