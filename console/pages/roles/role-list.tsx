/** The roles of the organization or of a project: what each permits, and who has it. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { useList } from '../../use-calls.ts'
import { RoleForm } from './role-form.tsx'
import { RoleHolders } from './role-holders.tsx'
import type { Role, RoleHome } from './role-home.ts'

interface Props {
  home: RoleHome
  mayChange: boolean
  /** Whether groups may be listed, to give them roles. */
  seesGroups: boolean
}

type Open = { what: 'create' } | { what: 'holders' | 'look' | 'delete'; role: Role }

export function RoleList({ home, mayChange, seesGroups }: Props) {
  const list = useList<Role>((options) => home.list(options), [home.key])
  const open = useSignal<Open | null>(null)
  const shown = open.value
  const close = () => (open.value = null)
  // The owner may do all that there is.
  const all = list.items.find(({ predefined_role, name }) => predefined_role && name === 'owner')?.permissions ?? []
  return (
    <>
      {mayChange && (
        <button type="button" disabled={!list.isKnown} onClick={() => (open.value = { what: 'create' })}>
          Make a role
        </button>
      )}
      <DataTable
        caption="Roles"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={null}
        actions={(role) => (
          <Buttons
            of={role}
            isOwn={mayChange && !role.predefined_role}
            onOpen={(what) => (open.value = { what, role })}
          />
        )}
      />
      {(shown?.what === 'create' || shown?.what === 'look') && (
        <RoleForm
          home={home}
          role={shown.what === 'look' ? shown.role : null}
          all={all}
          mayChange={mayChange}
          onSaved={list.reload}
          onClose={close}
        />
      )}
      {shown?.what === 'holders' && (
        <RoleHolders home={home} role={shown.role} mayChange={mayChange} seesGroups={seesGroups} onClose={close} />
      )}
      {shown?.what === 'delete' && (
        <Confirm
          title="Delete the role?"
          action="Delete"
          onClose={close}
          onConfirm={async () => {
            await home.delete(shown.role.id)
            list.reload()
          }}
        >
          <p>
            Whoever holds <strong>{shown.role.name}</strong> loses it at once, and keys that need it stop working.
          </p>
        </Confirm>
      )}
    </>
  )
}

interface ButtonsProps {
  of: Role
  /** Whether it can be changed: it is not built in. */
  isOwn: boolean
  onOpen: (what: 'holders' | 'look' | 'delete') => void
}

const Buttons = ({ of: { name }, isOwn, onOpen }: ButtonsProps) => (
  <>
    <button type="button" onClick={() => onOpen('holders')}>
      Holders <span class="visually-hidden">of {name}</span>
    </button>{' '}
    <button type="button" onClick={() => onOpen('look')}>
      {isOwn ? 'Change' : 'Permissions'}{' '}
      <span class="visually-hidden">
        {isOwn ? '' : 'of '}
        {name}
      </span>
    </button>{' '}
    {isOwn && (
      <button type="button" onClick={() => onOpen('delete')}>
        Delete <span class="visually-hidden">{name}</span>
      </button>
    )}
  </>
)

const columns: Column<Role>[] = [
  {
    title: 'Name',
    cell: ({ name, predefined_role }) => (
      <>
        {name}
        {predefined_role && <span class="badge">Built in</span>}
      </>
    ),
  },
  { title: 'What for', cell: ({ description }) => description ?? '–' },
  { title: 'Permissions', isNumber: true, cell: ({ permissions }) => permissions.length },
]
