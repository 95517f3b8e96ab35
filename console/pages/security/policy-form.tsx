/** A form with what is set now, which says when it was saved, or shows it to who may only look. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { RequestOptions } from '../../../client/index.ts'
import { Waiting } from '../../parts/data-table.tsx'
import { Form } from '../../parts/form.tsx'
import { Problem } from '../../parts/problem.tsx'
import { useAnswer } from '../../use-calls.ts'

interface Props<Policy> {
  ask: (options: RequestOptions) => PromiseLike<Policy>
  /** When one of these changes, the policy is asked for again. */
  inputs: unknown[]
  mayChange: boolean
  save: (form: FormData) => PromiseLike<unknown>
  /** The fields, with what is set. */
  children: (policy: Policy) => ComponentChildren
}

export function PolicyForm<Policy>({ ask, inputs, mayChange, save, children }: Props<Policy>) {
  const { answer, problem, isCurrent, reload } = useAnswer(ask, inputs)
  const isSaved = useSignal(false)
  if (problem !== undefined && answer === undefined) return <Problem problem={problem} retry={reload} />
  if (answer === undefined || !isCurrent) return <Waiting />
  const fields = children(answer)
  if (!mayChange)
    return (
      <fieldset class="bare" disabled>
        {fields}
      </fieldset>
    )
  return (
    <div onChange={() => (isSaved.value = false)}>
      <Form
        submit="Save"
        onSubmit={async (_valueOf, form) => {
          await save(new FormData(form))
          isSaved.value = true
        }}
      >
        {fields}
      </Form>
      <p role="status">{isSaved.value && 'Saved. It holds on every server from now on.'}</p>
    </div>
  )
}
