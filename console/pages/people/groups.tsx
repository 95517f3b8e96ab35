/** The groups of the organization, and who is in each. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Done } from '../../parts/done.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Form, TextField } from '../../parts/form.tsx'
import { organization, useList } from '../../use-calls.ts'
import { personByEmail } from '../roles/role-home.ts'
import type { PeopleProps } from '../people.tsx'

type Group = Awaited<ReturnType<typeof organization.groups.list>>['data'][number]
type GroupMember = Awaited<ReturnType<typeof organization.groups.users.list>>['data'][number]

export function Groups({ mayChange }: PeopleProps) {
  const list = useList<Group>((options) => organization.groups.list({ limit: 50 }, options), [])
  const open = useSignal<{ what: 'create' } | { what: 'members' | 'rename' | 'delete'; group: Group } | null>(null)
  const close = () => (open.value = null)
  const shown = open.value
  return (
    <>
      {mayChange && (
        <button type="button" onClick={() => (open.value = { what: 'create' })}>
          Create a group
        </button>
      )}
      <DataTable
        caption="Groups"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Empty title="There is no group yet">A group holds roles for everybody who is in it.</Empty>}
        actions={(group) => (
          <>
            <button type="button" onClick={() => (open.value = { what: 'members', group })}>
              Members <span class="visually-hidden">of {group.name}</span>
            </button>{' '}
            {mayChange && (
              <>
                <button type="button" onClick={() => (open.value = { what: 'rename', group })}>
                  Rename <span class="visually-hidden">{group.name}</span>
                </button>{' '}
                <button type="button" onClick={() => (open.value = { what: 'delete', group })}>
                  Delete <span class="visually-hidden">{group.name}</span>
                </button>
              </>
            )}
          </>
        )}
      />
      {shown?.what === 'create' && <NameGroup group={null} onNamed={list.reload} onClose={close} />}
      {shown?.what === 'rename' && <NameGroup group={shown.group} onNamed={list.reload} onClose={close} />}
      {shown?.what === 'members' && <MembersOf group={shown.group} mayChange={mayChange} onClose={close} />}
      {shown?.what === 'delete' && (
        <Confirm
          title="Delete the group?"
          action="Delete"
          onClose={close}
          onConfirm={async () => {
            await organization.groups.delete(shown.group.id)
            list.reload()
          }}
        >
          <p>
            Its members lose the roles that they hold through <strong>{shown.group.name}</strong>, and keys that need
            them stop working.
          </p>
        </Confirm>
      )}
    </>
  )
}

const columns: Column<Group>[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Created', cell: ({ created_at }) => <DateTime at={created_at} /> },
]

interface NameProps {
  /** Null to create one. */
  group: Group | null
  onNamed: () => void
  onClose: () => void
}

const NameGroup = ({ group, onNamed, onClose }: NameProps) => (
  <FormDialog
    title={group ? `Rename ${group.name}` : 'Create a group'}
    onClose={onClose}
    submit={group ? 'Rename it' : 'Create it'}
    onSubmit={async (valueOf) => {
      const body = { name: valueOf('name') }
      await (group ? organization.groups.update(group.id, body) : organization.groups.create(body))
      onNamed()
      onClose()
    }}
  >
    <TextField label="Name" name="name" required maxLength={255} value={group?.name ?? ''} />
    {group && <p>Where people sign in with an identity provider, groups are joined by their names.</p>}
  </FormDialog>
)

interface MembersProps {
  group: Group
  mayChange: boolean
  onClose: () => void
}

function MembersOf({ group, mayChange, onClose }: MembersProps) {
  const { users } = organization.groups
  const list = useList<GroupMember>((options) => users.list(group.id, { limit: 50 }, options), [group.id])
  const removing = useSignal<GroupMember | null>(null)
  return (
    <Dialog title={`Members of ${group.name}`} onClose={onClose}>
      <DataTable
        caption="Members"
        list={list}
        columns={[
          { title: 'Name', cell: ({ name, email }: GroupMember) => name || email },
          { title: 'E-mail', cell: ({ email }: GroupMember) => email ?? '–' },
        ]}
        keyOf={({ id }) => id}
        empty={<p>Nobody is in this group yet.</p>}
        actions={
          mayChange &&
          ((member) => (
            <button type="button" onClick={() => (removing.value = member)}>
              Remove <span class="visually-hidden">{member.name || member.email}</span>
            </button>
          ))
        }
      />
      {removing.value && (
        <Confirm
          title="Remove this member?"
          action="Remove"
          onClose={() => (removing.value = null)}
          onConfirm={async () => {
            await users.delete(removing.value!.id, { group_id: group.id })
            list.reload()
          }}
        >
          <p>
            <strong>{removing.value.name || removing.value.email}</strong> loses the roles held through {group.name},
            and keys that need them stop working.
          </p>
        </Confirm>
      )}
      {mayChange && (
        <Form
          submit="Add"
          onSubmit={async (valueOf, form) => {
            await users.create(group.id, { user_id: await personByEmail(valueOf('email')) })
            form.reset()
            list.reload()
          }}
        >
          <TextField label="Add somebody by e-mail" name="email" type="email" required maxLength={254} />
        </Form>
      )}
      <Done onClose={onClose} />
    </Dialog>
  )
}
