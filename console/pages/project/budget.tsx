/** What a project has spent in this month, and what it may spend. */
import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import { Confirm } from '../../parts/dialog.tsx'
import { Form, TextField } from '../../parts/form.tsx'
import { Problem } from '../../parts/problem.tsx'
import { organization, useAnswer } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

const dollars = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD' })

export function Budget({ project: { id }, mayChange }: SectionProps) {
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
      {mayChange && <SetBudget key={cents} project_id={id} cents={cents} onChanged={reload} />}
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

interface SetProps {
  project_id: string
  cents: number | null
  onChanged: () => void
}

function SetBudget({ project_id, cents, onChanged }: SetProps) {
  const isRemoving = useSignal(false)
  const { spendLimit } = organization.projects
  return (
    <>
      <Form
        submit="Set the budget"
        actions={
          cents !== null && (
            <button type="button" class="danger" onClick={() => (isRemoving.value = true)}>
              Remove it
            </button>
          )
        }
        onSubmit={async (valueOf) => {
          const threshold_amount = Math.round(Number(valueOf('threshold_amount')) * 100)
          await spendLimit.update(project_id, { threshold_amount, currency: 'USD', interval: 'month' })
          onChanged()
        }}
      >
        <TextField
          label="Dollars a month"
          name="threshold_amount"
          type="number"
          min={0.01}
          step={0.01}
          required
          value={cents === null ? '' : String(cents / 100)}
          hint="A request that could pass it is refused before it reaches a model. Months are those of UTC."
        />
      </Form>
      {isRemoving.value && (
        <Confirm
          title="Remove the budget?"
          action="Remove"
          onClose={() => (isRemoving.value = false)}
          onConfirm={async () => {
            await spendLimit.delete(project_id)
            onChanged()
          }}
        >
          <p>Nothing limits then what this project spends, except the budget of the organization.</p>
        </Confirm>
      )}
    </>
  )
}
