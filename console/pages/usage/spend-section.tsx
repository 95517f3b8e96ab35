/** The budget of the organization, or of the chosen project, and who is told of spending. */
import { BudgetForm, dollars } from '../../parts/budget-form.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SpendAlerts } from '../../parts/spend-alerts.tsx'
import { organization } from '../../use-calls.ts'
import type { Budget } from './usage-budget.ts'

interface Props {
  /** Null for the organization. */
  project_id: string | null
  name: string
  budget: Budget
  /** Whether the person may read the alerts. */
  mayRead: boolean
  mayChange: boolean
}

export const SpendSection = ({ project_id, name, budget, mayRead, mayChange }: Props) => (
  <>
    <section class="part" aria-labelledby="budget">
      <h2 id="budget">Budget of {name}</h2>
      <Problem problem={budget.problem} retry={budget.reload} />
      {budget.answer && (
        <p>
          {budget.answer.cents === null
            ? 'None: spending is not limited.'
            : `${dollars.format(budget.answer.cents / 100)} a month.`}
        </p>
      )}
      {budget.answer && mayChange && (
        <BudgetForm
          key={`${project_id} ${budget.answer.cents}`}
          cents={budget.answer.cents}
          {...(project_id === null ? ofOrganization : ofProject(project_id))}
          onChanged={budget.reload}
        />
      )}
    </section>
    {mayRead && (
      <section class="part" aria-labelledby="alerts">
        <h2 id="alerts">Spend alerts of {name}</h2>
        <SpendAlerts key={project_id} project_id={project_id} mayChange={mayChange} />
      </section>
    )}
  </>
)

type Limit = Parameters<typeof organization.spendLimit.update>[0]

const ofOrganization = {
  onSet: (limit: Limit) => organization.spendLimit.update(limit),
  onRemove: () => organization.spendLimit.delete(),
  whenRemoved: 'Nothing limits then what the organization spends, except the budgets of projects.',
}

const ofProject = (project_id: string) => ({
  onSet: (limit: Limit) => organization.projects.spendLimit.update(project_id, limit),
  onRemove: () => organization.projects.spendLimit.delete(project_id),
  whenRemoved: 'Nothing limits then what this project spends, except the budget of the organization.',
})
