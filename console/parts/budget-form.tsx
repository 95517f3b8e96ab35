/** Sets and removes a budget: that of a project, or that of the organization. */
import { useSignal } from '@preact/signals'
import { Confirm } from './dialog.tsx'
import { Form, TextField } from './form.tsx'

export const dollars = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD' })

interface Limit {
  threshold_amount: number
  currency: 'USD'
  interval: 'month'
}

interface Props {
  /** Null where there is none. */
  cents: number | null
  onSet: (limit: Limit) => PromiseLike<unknown>
  onRemove: () => PromiseLike<unknown>
  onChanged: () => void
  /** What the lack of it means. */
  whenRemoved: string
}

export function BudgetForm({ cents, onSet, onRemove, onChanged, whenRemoved }: Props) {
  const isRemoving = useSignal(false)
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
          await onSet({ threshold_amount, currency: 'USD', interval: 'month' })
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
            await onRemove()
            onChanged()
          }}
        >
          <p>{whenRemoved}</p>
        </Confirm>
      )}
    </>
  )
}
