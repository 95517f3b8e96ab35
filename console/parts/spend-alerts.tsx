/** Who is told when a month has cost some amount: to see, make, change and delete such alerts. */
import { useSignal } from '@preact/signals'
import type { Page as ListPage, PagePromise } from '../../client/index.ts'
import { organization, useList } from '../use-calls.ts'
import { dollars } from './budget-form.tsx'
import { DataTable, type Column } from './data-table.tsx'
import { Confirm } from './dialog.tsx'
import { Empty } from './empty.tsx'
import { FormDialog } from './form-dialog.tsx'
import { TextArea, TextField } from './form.tsx'

type Body = Parameters<typeof organization.spendAlerts.create>[0]

interface Alert {
  id: string
  threshold_amount: number
  notification_channel: { recipients: string[]; subject_prefix?: string | null }
}

interface Props {
  /** Null for the alerts of the organization. */
  project_id: string | null
  mayChange: boolean
}

export function SpendAlerts({ project_id, mayChange }: Props) {
  const { list: ask, create, update, remove } = callsFor(project_id)
  const list = useList<Alert>(ask, [project_id])
  const changing = useSignal<Alert | 'new' | null>(null)
  const deleting = useSignal<Alert | null>(null)
  const close = () => (changing.value = null)
  async function send(body: Body) {
    await (changing.value === 'new' ? create(body) : update((changing.value as Alert).id, body))
    list.reload()
    close()
  }
  return (
    <>
      <DataTable
        caption="Spend alerts"
        list={list}
        keyOf={({ id }) => id}
        columns={columns}
        empty={
          <Empty title="Nobody is told of spending">
            An alert sends an e-mail once a month, when the month has cost an amount. It stops no request.
          </Empty>
        }
        actions={
          mayChange &&
          ((alert) => (
            <Buttons of={alert} onChange={() => (changing.value = alert)} onDelete={() => (deleting.value = alert)} />
          ))
        }
      />
      {mayChange && (
        <div class="buttons">
          <button type="button" onClick={() => (changing.value = 'new')}>
            Make an alert
          </button>
        </div>
      )}
      {changing.value && (
        <AlertForm of={changing.value === 'new' ? undefined : changing.value} onClose={close} onSend={send} />
      )}
      {deleting.value && (
        <Confirm
          title="Delete the alert?"
          action="Delete"
          onClose={() => (deleting.value = null)}
          onConfirm={async () => {
            await remove(deleting.value!.id)
            list.reload()
          }}
        >
          <p>
            {deleting.value.notification_channel.recipients.join(', ')} will not be told any more when a month has cost{' '}
            {amountOf(deleting.value)}.
          </p>
        </Confirm>
      )}
    </>
  )
}

const amountOf = ({ threshold_amount }: Alert) => dollars.format(threshold_amount / 100)

const columns: Column<Alert>[] = [
  { title: 'When a month has cost', cell: amountOf },
  { title: 'An e-mail goes to', cell: ({ notification_channel: { recipients } }) => recipients.join(', ') },
]

const Buttons = ({ of, onChange, onDelete }: { of: Alert; onChange: () => void; onDelete: () => void }) => {
  const which = <span class="visually-hidden">the alert at {amountOf(of)}</span>
  return (
    <>
      <button type="button" onClick={onChange}>
        Change {which}
      </button>{' '}
      <button type="button" class="danger" onClick={onDelete}>
        Delete {which}
      </button>
    </>
  )
}

interface FormProps {
  /** Undefined for a new one. */
  of: Alert | undefined
  onSend: (body: Body) => Promise<void>
  onClose: () => void
}

const AlertForm = ({ of, onSend, onClose }: FormProps) => (
  <FormDialog
    title={of ? 'Change the alert' : 'Make an alert'}
    submit={of ? 'Save' : 'Make it'}
    onClose={onClose}
    onSubmit={(valueOf) => {
      const subject_prefix = valueOf('subject_prefix') || null
      const recipients = valueOf('recipients')
        .split(/[\s,;]+/)
        .filter(Boolean)
      return onSend({
        threshold_amount: Math.round(Number(valueOf('threshold_amount')) * 100),
        currency: 'USD',
        interval: 'month',
        notification_channel: { type: 'email', recipients, subject_prefix },
      })
    }}
  >
    <TextField
      label="When a month has cost (dollars)"
      name="threshold_amount"
      type="number"
      min={0}
      step={0.01}
      required
      value={of ? String(of.threshold_amount / 100) : ''}
      hint="Months are those of UTC. One that has cost it already is told of at once."
    />
    <TextArea
      label="E-mail to"
      name="recipients"
      rows={3}
      value={of?.notification_channel.recipients.join('\n') ?? ''}
      hint="One address a line."
    />
    <TextField
      label="The subject begins with"
      name="subject_prefix"
      maxLength={255}
      value={of?.notification_channel.subject_prefix ?? ''}
      hint="May be empty."
    />
  </FormDialog>
)

/** The same calls for the organization and for a project. */
function callsFor(project_id: string | null) {
  const asList = (asked: unknown) => asked as PagePromise<ListPage<Alert>, Alert>
  const { spendAlerts, projects } = organization
  if (project_id === null)
    return {
      list: (options: object) => asList(spendAlerts.list({}, options)),
      create: (body: Body) => spendAlerts.create(body),
      update: (id: string, body: Body) => spendAlerts.update(id, body),
      remove: (id: string) => spendAlerts.delete(id),
    }
  return {
    list: (options: object) => asList(projects.spendAlerts.list(project_id, {}, options)),
    create: (body: Body) => projects.spendAlerts.create(project_id, body),
    update: (id: string, body: Body) => projects.spendAlerts.update(id, { project_id, ...body }),
    remove: (id: string) => projects.spendAlerts.delete(id, { project_id }),
  }
}
