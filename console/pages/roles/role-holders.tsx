/** Who holds a role directly, and a form to give it to one more. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Done } from '../../parts/done.tsx'
import { Form, SelectField, TextField } from '../../parts/form.tsx'
import { Problem } from '../../parts/problem.tsx'
import { organization, useAnswer, useList } from '../../use-calls.ts'
import type { Holder, Role, RoleHome } from './role-home.ts'
import { TakeRole } from './take-role.tsx'

interface Props {
  home: RoleHome
  role: Role
  mayChange: boolean
  seesGroups: boolean
  onClose: () => void
}

export function RoleHolders({ home, role, mayChange, seesGroups, onClose }: Props) {
  const list = useList<Holder>((options) => home.holders(role.id, options), [role.id])
  const taking = useSignal<Holder | null>(null)
  return (
    <Dialog title={`Who has the role ${role.name}`} onClose={onClose}>
      <DataTable
        caption="Holders"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>Nobody holds it yet.</p>}
        actions={
          mayChange &&
          ((holder) => (
            <button type="button" onClick={() => (taking.value = holder)}>
              Take it <span class="visually-hidden">from {holder.name || holder.email}</span>
            </button>
          ))
        }
      />
      {home.key !== '' && (
        <p class="hint">A service account is listed only for a role that it was given besides its built-in one.</p>
      )}
      {taking.value && (
        <TakeRole
          home={home}
          role={role}
          holder={taking.value}
          name={taking.value.name || taking.value.email}
          onTaken={list.reload}
          onClose={() => (taking.value = null)}
        />
      )}
      {mayChange && <Give home={home} role={role} seesGroups={seesGroups} onGiven={list.reload} />}
      <Done onClose={onClose} />
    </Dialog>
  )
}

const kinds = { user: 'Person', service_account: 'Service account', group: 'Group' }

const columns: Column<Holder>[] = [
  { title: 'Name', cell: ({ name, email }) => name || email },
  { title: 'E-mail', cell: ({ email }) => email ?? '–' },
  { title: 'Kind', cell: ({ type }) => kinds[type] },
  { title: 'Since', cell: ({ added_at }) => <DateTime at={added_at} /> },
]

interface GiveProps extends Pick<Props, 'home' | 'role' | 'seesGroups'> {
  onGiven: () => void
}

const PERSON = ''

function Give({ home, role, seesGroups, onGiven }: GiveProps) {
  const { answer: groups = [], ...asked } = useAnswer(
    async (options) => (seesGroups ? (await organization.groups.list({ limit: 1000 }, options)).data : []),
    [seesGroups],
  )
  const chosen = useSignal(PERSON)
  return (
    <Form
      submit="Give the role"
      onSubmit={async (valueOf, form) => {
        const group = valueOf('group_id')
        if (group === PERSON) await home.give(role.id, { type: 'user', id: await home.findPerson(valueOf('email')) })
        else await home.give(role.id, { type: 'group', id: group })
        form.reset()
        chosen.value = PERSON
        onGiven()
      }}
    >
      <Problem problem={asked.problem} retry={asked.reload} />
      <SelectField
        label="Give it to"
        name="group_id"
        value={chosen.value}
        options={[
          { value: PERSON, label: 'A person' },
          ...groups.map(({ id, name }) => ({ value: id, label: `The group ${name}` })),
        ]}
        onChange={(value) => (chosen.value = value)}
      />
      {chosen.value === PERSON && <TextField label="E-mail" name="email" type="email" required maxLength={254} />}
    </Form>
  )
}
