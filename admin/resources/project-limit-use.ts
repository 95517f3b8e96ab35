import { dollarsOf, nanoOfCents } from '../../contract/money.ts'
import type { Output } from '../../contract/kit.ts'
import { projectLimits } from '../../contract/project-limit-use.ts'
import type { BudgetRow } from '../../database/ledger-tables.ts'
import { presentMonth, refusesRequests } from '../../ledger/budget-status.ts'
import { handlers, type Call } from '../call.ts'
import { modelPermissions, rateLimits } from '../shared/request-limits.ts'

export default handlers(projectLimits, {
  async retrieve(call) {
    const month = await presentMonth(call.db, call.engine)
    return {
      object: 'project.limits',
      project_id: call.project.id,
      month,
      spend: await spend(call, month),
      rate_limits: await rateLimits(call),
      model_permissions: await modelPermissions(call),
    }
  },
})

type InProject = Call<typeof projectLimits.retrieve>
type Shown = Output<typeof projectLimits.retrieve>

/**
 * The budgets and limits of the organization, which are stored with an empty project, and of the
 * project.
 */
async function spend({ db, organization_id, project }: InProject, month: string): Promise<Shown['spend']> {
  const both = ['', project.id]
  const budgets = await db
    .selectFrom('budgets')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('project_id', 'in', both)
    .where('month', '=', month)
    .execute()
  const limits = await db
    .selectFrom('spend_limits')
    .select(['project_id', 'threshold_amount'])
    .where('organization_id', '=', organization_id)
    .where('project_id', 'in', both)
    .execute()
  const of = (project_id: string) =>
    presentSpend(
      budgets.find((budget) => budget.project_id === project_id) ?? unused,
      limits.find((limit) => limit.project_id === project_id)?.threshold_amount ?? null,
    )
  return { organization: of(''), project: of(project.id) }
}

const unused = { settled: 0, reserved: 0, burned: 0, admitted_at: 0, refused_at: 0 }

/** `threshold_amount` in cents. */
function presentSpend(
  budget: Omit<BudgetRow, 'organization_id' | 'project_id' | 'month' | 'wanted_at'>,
  threshold_amount: number | null,
) {
  const { settled, reserved, burned } = budget
  const own = {
    currency: 'usd' as const,
    threshold_amount,
    spent: dollarsOf(settled),
    reserved: dollarsOf(reserved),
    burned: dollarsOf(burned),
  }
  if (threshold_amount === null) return { ...own, remaining: null, enforcement: null }
  const remaining = dollarsOf(nanoOfCents(threshold_amount) - settled - reserved - burned)
  const status = refusesRequests(budget, threshold_amount) ? ('enforcing' as const) : ('inactive' as const)
  return { ...own, remaining, enforcement: { status } }
}
