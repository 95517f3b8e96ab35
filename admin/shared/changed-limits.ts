/** The rate limits that a project has changed, by model or pattern. */
import type { LimitName } from '../../contract/project-rate-limits.ts'
import type { ProjectRow } from '../../database/tables.ts'
import type { Sql } from '../../database/types.ts'

export type Limits = Partial<Record<LimitName, number>>

export const rateLimitId = (limit_key: string) => `rl-${limit_key}`

export async function changedLimits({
  db,
  organization_id,
  project,
}: {
  db: Sql
  organization_id: string
  project: ProjectRow
}): Promise<ReadonlyMap<string, Limits>> {
  const changed = await db
    .selectFrom('rate_limits')
    .select(['limit_key', 'limits'])
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project.id)
    .execute()
  return new Map(changed.map(({ limit_key, limits }) => [limit_key, JSON.parse(limits) as Limits]))
}
