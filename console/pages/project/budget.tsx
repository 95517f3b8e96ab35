/** What a project has spent in this month, what it may spend, and who is told of spending. */
import { Fragment } from 'preact'
import { BudgetForm, dollars } from '../../parts/budget-form.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SpendAlerts } from '../../parts/spend-alerts.tsx'
import { can } from '../../session.ts'
import { organization, useAnswer } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

export function Budget({ me, project: { id }, mayChange }: SectionProps) {
  const { answer, problem, reload } = useAnswer((options) => organization.projects.limits.retrieve(id, options), [id])
  if (!answer) return <Problem problem={problem} retry={reload} />
  const { month, spend } = answer
  const cents = spend.project.threshold_amount
  return (
    <>
      <Facts month={month} of={spend.project} />
      {cents !== null && (
        <meter class="budget" min={0} max={cents / 100} value={spend.project.spent} aria-label="Spent of the budget" />
      )}
      {mayChange && (
        <BudgetForm
          key={cents}
          cents={cents}
          onSet={(limit) => organization.projects.spendLimit.update(id, limit)}
          onRemove={() => organization.projects.spendLimit.delete(id)}
          onChanged={reload}
          whenRemoved="Nothing limits then what this project spends, except the budget of the organization."
        />
      )}
      {can(me, 'api.management.read') && (
        <section class="part" aria-labelledby="alerts">
          <h2 id="alerts">Spend alerts of the project</h2>
          <SpendAlerts project_id={id} mayChange={mayChange} />
        </section>
      )}
    </>
  )
}

type Spend = Awaited<ReturnType<typeof organization.projects.limits.retrieve>>['spend']['project']

function Facts({
  month,
  of: { threshold_amount: cents, spent, reserved, burned, remaining },
}: {
  month: string
  of: Spend
}) {
  const facts = [
    [`Spent in ${month}`, dollars.format(spent)],
    ['Reserved for requests that run', dollars.format(reserved)],
    ['Held by servers that were killed', burned > 0 && dollars.format(burned)],
    ['Budget of a month', cents === null ? 'None: spending is not limited' : dollars.format(cents / 100)],
    ['Left', remaining !== null && dollars.format(remaining)],
  ] as const
  return (
    <dl class="facts">
      {facts.map(
        ([what, value]) =>
          value !== false && (
            <Fragment key={what}>
              <dt>{what}</dt>
              <dd>{value}</dd>
            </Fragment>
          ),
      )}
    </dl>
  )
}
