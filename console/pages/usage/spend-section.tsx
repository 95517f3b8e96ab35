/** The budget of the organization, or of the chosen project, and who is told of spending. */
import type { Page as ListPage, PagePromise } from '../../../client/index.ts'
import { NotFoundError } from '../../../client/index.ts'
import { BudgetForm, dollars } from '../../parts/budget-form.tsx'
import { DataTable } from '../../parts/data-table.tsx'
import { Problem } from '../../parts/problem.tsx'
import { organization, useAnswer, useList, type Answered } from '../../use-calls.ts'

interface Props {
  /** Null for the organization. */
  project_id: string | null
  name: string
  budget: Pick<Answered<{ cents: number | null }>, 'answer' | 'problem' | 'reload'>
  mayChange: boolean
}

/** What may be spent in a month. The API answers that nothing is there where there is no limit. */
export const useBudget = (project_id: string | null, isShown: boolean) =>
  useAnswer(
    async (options) => {
      if (!isShown) return { project_id, cents: null }
      const asked =
        project_id === null
          ? organization.spendLimit.retrieve(options)
          : organization.projects.spendLimit.retrieve(project_id, options)
      try {
        return { project_id, cents: (await asked).threshold_amount }
      } catch (problem) {
        if (problem instanceof NotFoundError) return { project_id, cents: null }
        throw problem
      }
    },
    [project_id, isShown],
  )

export const SpendSection = ({ project_id, name, budget, mayChange }: Props) => (
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
    <section class="part" aria-labelledby="alerts">
      <h2 id="alerts">Spend alerts of {name}</h2>
      <Alerts key={project_id} project_id={project_id} />
    </section>
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

interface Alert {
  id: string
  threshold_amount: number
  notification_channel: { recipients: string[] }
}

function Alerts({ project_id }: { project_id: string | null }) {
  const list = useList<Alert>(
    (options) =>
      (project_id === null
        ? organization.spendAlerts.list({}, options)
        : organization.projects.spendAlerts.list(project_id, {}, options)) as PagePromise<ListPage<Alert>, Alert>,
    [project_id],
  )
  return (
    <DataTable
      caption="Spend alerts"
      list={list}
      keyOf={({ id }) => id}
      columns={[
        { title: 'When a month has cost', cell: ({ threshold_amount }) => dollars.format(threshold_amount / 100) },
        { title: 'An e-mail goes to', cell: ({ notification_channel: { recipients } }) => recipients.join(', ') },
      ]}
      empty={
        <p>
          Nobody is told of spending. Who may, makes an alert by{' '}
          <code>keyhall {project_id === null ? '' : 'projects '}spend-alerts create</code>.
        </p>
      }
    />
  )
}
