/** The spend limit of the organization and, alike, that of a project. */
import { notFound } from '../../contract/errors.ts'
import { projectSpendLimit, spendLimit } from '../../contract/spend-limits.ts'
import type { ProjectRow } from '../../database/tables.ts'
import type { SpendLimitRow } from '../../database/ledger-tables.ts'
import { forgetRefusal, isEnforcing, presentMonth } from '../../ledger/budget-status.ts'
import type { Call, Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'

const template: Handlers<typeof spendLimit> = {
  retrieve: async (call) => present(call, await find(call)),

  async update(call) {
    requireActive(call.project)
    const { threshold_amount, currency, interval } = call.body
    const changed = { threshold_amount, currency, interval, updated_at: call.now }
    await call.db
      .insertInto('spend_limits')
      .values({ ...whose(call), ...changed })
      .onConflict((conflict) => conflict.columns(['organization_id', 'project_id']).doUpdateSet(changed))
      .execute()
    await forgetRefusal(call.db, await budgetOf(call))
    announce(call, threshold_amount)
    return present(call, changed)
  },

  async delete(call) {
    requireActive(call.project)
    await find(call)
    const { organization_id, project_id } = whose(call)
    await call.db
      .deleteFrom('spend_limits')
      .where('organization_id', '=', organization_id)
      .where('project_id', '=', project_id)
      .execute()
    announce(call, null)
    return { object: `${levelOf(call)}.spend_limit.deleted`, deleted: true }
  },
}

export default template
export const projectSpendLimitHandlers = template as unknown as Handlers<typeof projectSpendLimit>

type AnyCall = Pick<Call<typeof spendLimit.update>, 'db' | 'engine' | 'organization_id' | 'project'>

/** The organization's own limit is stored with an empty project. */
const whose = ({ organization_id, project }: Pick<AnyCall, 'organization_id' | 'project'>) => ({
  organization_id,
  project_id: (project as ProjectRow | undefined)?.id ?? '',
})

/** The budget of this month that the limit is for. */
const budgetOf = async (call: AnyCall) => ({ ...whose(call), month: await presentMonth(call.db, call.engine) })

/** Named as in the type of the organization's operations; those of a project run the same code. */
const levelOf = ({ project }: Pick<AnyCall, 'project'>) => (project ? 'project' : 'organization') as 'organization'

/** Throws 404 where no limit is set. */
async function find(call: AnyCall): Promise<SpendLimitRow> {
  const { organization_id, project_id } = whose(call)
  const row = await call.db
    .selectFrom('spend_limits')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .executeTakeFirst()
  if (!row) throw notFound('spend_limit', `of ${project_id === '' ? 'the organization' : project_id}`)
  return row
}

/** The servers read the limit again before the answer leaves. */
function announce(
  call: AnyCall & Pick<Call<typeof spendLimit.update>, 'record' | 'invalidate'>,
  threshold_amount: number | null,
) {
  const { organization_id, project_id } = whose(call)
  call.record('tenant.billing.overage_limit.updated', { id: project_id || organization_id, threshold_amount })
  call.invalidate(project_id === '' ? { scope: 'organization' } : { scope: 'project', id: project_id })
}

async function present(call: AnyCall, limit: Pick<SpendLimitRow, 'threshold_amount' | 'currency' | 'interval'>) {
  const { threshold_amount, currency, interval } = limit
  const status = (await isEnforcing(call.db, await budgetOf(call), threshold_amount))
    ? ('enforcing' as const)
    : ('inactive' as const)
  return {
    object: `${levelOf(call)}.spend_limit` as const,
    threshold_amount,
    currency,
    interval,
    enforcement: { status },
  }
}
