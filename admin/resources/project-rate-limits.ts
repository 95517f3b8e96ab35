import { invalid, notFound } from '../../contract/errors.ts'
import type { Output } from '../../contract/kit.ts'
import { projectRateLimits, UNLIMITED, type LimitName } from '../../contract/project-rate-limits.ts'
import { memoryList } from '../../database/memory-list.ts'
import { readPage } from '../../database/pager.ts'
import type { LimitRow } from '../../ledger/model-limits.ts'
import { handlers, type Call } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { changedLimits, rateLimitId, type Limits } from '../shared/changed-limits.ts'

export default handlers(projectRateLimits, {
  async listRateLimits(call) {
    const list = memoryList({
      rows: await rows(call),
      idOf: ({ id }) => id,
      isNamed: ({ id }, cursor) => id === cursor,
      isShown: () => true,
    })
    return readPage(list, call.query, (row) => row, { limit: 100, order: 'asc' })
  },

  async updateRateLimit(call) {
    requireActive(call.project)
    const { rate_limit_id } = call.params
    const model = call.models.rows().find(({ key }) => rateLimitId(key) === rate_limit_id)
    if (!model) throw notFound('rate_limit', rate_limit_id)
    for (const [name, value] of Object.entries(call.body) as [LimitName, number | undefined][])
      requireNoMore(model, name, value)
    const { organization_id, project } = call
    const before = (await changedLimits(call)).get(model.key)
    const limits = JSON.stringify({ ...before, ...call.body })
    await call.db
      .insertInto('rate_limits')
      .values({ organization_id, project_id: project.id, limit_key: model.key, limits, updated_at: call.now })
      .onConflict((conflict) =>
        conflict.columns(['organization_id', 'project_id', 'limit_key']).doUpdateSet({ limits, updated_at: call.now }),
      )
      .execute()
    call.record('rate_limit.updated', { id: rate_limit_id, changes_requested: call.body })
    call.invalidate({ scope: 'project', id: project.id })
    return present(model, { ...before, ...call.body })
  },
})

type InProject = Call<typeof projectRateLimits.listRateLimits>

/** One for each model that the upstreams offer, and for each pattern of the configuration. */
async function rows(call: Pick<InProject, 'db' | 'organization_id' | 'project' | 'models'>) {
  const changed = await changedLimits(call)
  return call.models.rows().map((model) => present(model, changed.get(model.key)))
}

/** Throws 400 for more than the configuration allows. */
function requireNoMore({ key, limits }: LimitRow, name: LimitName, value: number | undefined) {
  const most = limits[name]
  if (value === undefined || most === undefined || value <= most) return
  throw invalid(
    `Invalid '${name}': the configuration allows at most ${most} for ${key}, and you asked for ${value}.`,
    name,
    'integer_above_max_value',
  )
}

function present(
  { key, limits: configured }: LimitRow,
  changed: Limits = {},
): Output<typeof projectRateLimits.updateRateLimit> {
  const limits: Limits = { ...configured, ...changed }
  const { max_requests_per_1_minute = UNLIMITED, max_tokens_per_1_minute = UNLIMITED, ...others } = limits
  return {
    object: 'project.rate_limit',
    id: rateLimitId(key),
    model: key,
    max_requests_per_1_minute,
    max_tokens_per_1_minute,
    ...others,
  }
}
