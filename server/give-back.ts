/**
 * `keyhall limits give-back`: makes money spendable again that servers held when they were killed.
 */
import { giveBackBurned } from '../admin/give-back-burned.ts'
import type { ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { onProject } from './on-project.ts'

export const giveBack = (
  config: Pick<Config, 'database' | 'pepper' | 'pepper_file'>,
  project_id: string | null,
  { out }: Terminal,
): Promise<ExitCode> =>
  onProject(config, project_id, async ({ database, peppers }) => {
    const given = await giveBackBurned(database, peppers, realWorld, project_id)
    for (const { organization_id, project_id, dollars } of given)
      out(`${project_id ?? organization_id}: $${dollars} can be spent again.\n`)
    if (given.length === 0) out('Nothing is burned this month.\n')
  })
