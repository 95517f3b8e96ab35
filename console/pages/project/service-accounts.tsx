/** The service accounts of a project: owners of keys that are not people. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { lifetimes, lifetimeFrom } from '../../parts/lifetimes.ts'
import { accountRoles } from '../../parts/role-options.ts'
import { ShownOnce } from '../../parts/shown-once.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

type Account = Awaited<ReturnType<typeof organization.projects.serviceAccounts.list>>['data'][number]

export function ServiceAccounts({ project: { id: project_id }, mayManage }: SectionProps) {
  const list = useList<Account>(
    (options) => organization.projects.serviceAccounts.list(project_id, { limit: 50 }, options),
    [project_id],
  )
  /** The account that gets a key, or `new` for one that is made with its first key. */
  const making = useSignal<Account | 'new' | null>(null)
  const changing = useSignal<Account | null>(null)
  const ending = useSignal<Account | null>(null)
  const changes = { project_id, onChanged: list.reload }
  return (
    <>
      {mayManage && (
        <button type="button" onClick={() => (making.value = 'new')}>
          Make a service account
        </button>
      )}
      <DataTable
        caption="Service accounts"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>There is none yet. Programs on servers should use the key of one, so that it outlives people.</p>}
        actions={
          mayManage &&
          ((account) => (
            <Buttons
              of={account}
              onKey={() => (making.value = account)}
              onChange={() => (changing.value = account)}
              onDelete={() => (ending.value = account)}
            />
          ))
        }
      />
      {making.value && (
        <MakeKey
          project_id={project_id}
          account={making.value === 'new' ? null : making.value}
          onMade={list.reload}
          onClose={() => (making.value = null)}
        />
      )}
      {changing.value && (
        <ChangeAccount {...changes} account={changing.value} onClose={() => (changing.value = null)} />
      )}
      {ending.value && <DeleteAccount {...changes} account={ending.value} onClose={() => (ending.value = null)} />}
    </>
  )
}

interface ButtonsProps {
  of: Account
  onKey: () => void
  onChange: () => void
  onDelete: () => void
}

const Buttons = ({ of: { name }, onKey, onChange, onDelete }: ButtonsProps) => (
  <>
    <button type="button" onClick={onKey}>
      Make a key <span class="visually-hidden">for {name}</span>
    </button>{' '}
    <button type="button" onClick={onChange}>
      Change <span class="visually-hidden">{name}</span>
    </button>{' '}
    <button type="button" onClick={onDelete}>
      Delete <span class="visually-hidden">{name}</span>
    </button>
  </>
)

const columns: Column<Account>[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Role', cell: ({ role }) => role },
  { title: 'Id', cell: ({ id }) => <code>{id}</code> },
  { title: 'Created', cell: ({ created_at }) => <DateTime at={created_at} /> },
]

interface MakeProps {
  project_id: string
  /** Null to make the account with its first key. */
  account: Account | null
  onMade: () => void
  onClose: () => void
}

function MakeKey({ project_id, account, onMade, onClose }: MakeProps) {
  const value = useSignal<string | null>(null)
  if (value.value !== null) return <ShownOnce value={value.value} onDone={onClose} />
  return (
    <FormDialog
      title={account ? `Make a key for ${account.name}` : 'Make a service account'}
      onClose={onClose}
      submit="Make it"
      onSubmit={async (valueOf) => {
        const wanted = { name: valueOf('name'), ...lifetimeFrom(valueOf('expires_in_seconds')) }
        const { projects } = organization
        const made = account
          ? await projects.serviceAccounts.apiKeys.create(account.id, { project_id, ...wanted })
          : (await projects.serviceAccounts.create(project_id, wanted)).api_key
        value.value = made?.value ?? null
        onMade()
      }}
    >
      <TextField
        label={account ? 'Name of the key' : 'Name of the account'}
        name="name"
        required
        maxLength={255}
        hint="Such as the program that uses it."
      />
      <SelectField label="The key expires" name="expires_in_seconds" value="" options={lifetimes} />
    </FormDialog>
  )
}

interface ChangeProps {
  project_id: string
  account: Account
  onChanged: () => void
  onClose: () => void
}

const ChangeAccount = ({ project_id, account: { id, name, role }, onChanged, onClose }: ChangeProps) => (
  <FormDialog
    title={`Change ${name}`}
    onClose={onClose}
    submit="Save"
    onSubmit={async (valueOf) => {
      const chosen = accountRoles.find(({ value }) => value === valueOf('role'))?.value
      const changed = chosen && chosen !== role ? { role: chosen } : {}
      await organization.projects.serviceAccounts.update(id, { project_id, name: valueOf('name'), ...changed })
      onChanged()
      onClose()
    }}
  >
    <TextField label="Name" name="name" required maxLength={255} value={name} />
    <SelectField
      label="Role"
      name="role"
      value={role === 'none' ? '' : role}
      options={[...(role === 'none' ? [{ value: '', label: 'None: its keys open nothing' }] : []), ...accountRoles]}
    />
  </FormDialog>
)

const DeleteAccount = ({ project_id, account: { id, name }, onChanged, onClose }: ChangeProps) => (
  <Confirm
    title="Delete this service account?"
    action="Delete"
    onClose={onClose}
    onConfirm={async () => {
      await organization.projects.serviceAccounts.delete(id, { project_id })
      onChanged()
    }}
  >
    <p>
      <strong>{name}</strong> goes with all its keys, which open nothing from then on.
    </p>
  </Confirm>
)
