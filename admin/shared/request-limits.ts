/**
 * What bounds the requests of a project: its rate limits with their use, and which models it may
 * ask.
 */
import type { Output } from '../../contract/kit.ts'
import type { projectLimits } from '../../contract/project-limit-use.ts'
import { UNLIMITED, type LimitName } from '../../contract/project-rate-limits.ts'
import { rateUse, type RateUse } from '../../ledger/rate-use.ts'
import type { Call } from '../call.ts'
import { changedLimits, rateLimitId } from './changed-limits.ts'

type Asked = Pick<Call<typeof projectLimits.retrieve>, 'db' | 'engine' | 'organization_id' | 'project' | 'models'>
type Shown = Output<typeof projectLimits.retrieve>

export async function rateLimits(call: Asked): Promise<Shown['rate_limits']> {
  const { db, engine, organization_id, project, models } = call
  const changed = await changedLimits(call)
  const useOf = await rateUse(db, engine, { organization_id, project_id: project.id })
  return models.rows().map(({ key, limits }) => {
    const set = Object.entries({ ...limits, ...changed.get(key) }) as [LimitName, number][]
    const limited = set.filter(([, limit]) => limit < UNLIMITED)
    return {
      id: rateLimitId(key),
      model: key,
      limits: limited.map(([name, limit]) => presentLimit(name, limit, useOf(key, name))),
    }
  })
}

const presentLimit = (name: LimitName, limit: number, { used, held }: RateUse) => ({
  name,
  limit,
  used,
  held,
  remaining: Math.max(0, limit - used),
})

/** Null where none are set: all models may be asked. */
export async function modelPermissions({
  db,
  organization_id,
  project,
}: Pick<Asked, 'db' | 'organization_id' | 'project'>): Promise<Shown['model_permissions']> {
  const row = await db
    .selectFrom('model_permissions')
    .select(['mode', 'model_ids'])
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project.id)
    .executeTakeFirst()
  return row ? { mode: row.mode, model_ids: JSON.parse(row.model_ids) as string[] } : null
}
