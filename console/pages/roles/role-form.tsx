/** A role: its name and what it permits, to make, to change or to look at. */
import { useId } from 'preact/hooks'
import { Dialog } from '../../parts/dialog.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { wordsOf } from './permission-words.ts'
import type { Role, RoleHome } from './role-home.ts'

interface Props {
  home: RoleHome
  /** Null to make one. */
  role: Role | null
  /** The permissions that there are. */
  all: readonly string[]
  mayChange: boolean
  onSaved: () => void
  onClose: () => void
}

export function RoleForm({ home, role, all, mayChange, onSaved, onClose }: Props) {
  if (role && (role.predefined_role || !mayChange)) return <LookAt role={role} onClose={onClose} />
  return (
    <FormDialog
      title={role ? `Change the role ${role.name}` : `Make a role of ${home.name}`}
      onClose={onClose}
      submit={role ? 'Save' : 'Make the role'}
      onSubmit={async (valueOf, form) => {
        const chosen = new FormData(form).getAll('permissions') as string[]
        // Those that stay keep their order, because Terraform compares lists.
        const kept = (role?.permissions ?? []).filter((permission) => chosen.includes(permission))
        const body = {
          role_name: valueOf('role_name'),
          description: valueOf('description') || null,
          permissions: [...kept, ...chosen.filter((permission) => !kept.includes(permission))],
        }
        await (role ? home.update(role.id, body) : home.create(body))
        onSaved()
        onClose()
      }}
    >
      <TextField label="Name" name="role_name" required maxLength={255} value={role?.name} />
      <TextField label="What for" name="description" maxLength={1000} value={role?.description ?? ''} />
      <Permissions all={[...new Set([...all, ...(role?.permissions ?? [])])]} held={role?.permissions ?? []} />
    </FormDialog>
  )
}

const Permissions = ({ all, held }: { all: readonly string[]; held: readonly string[] }) => (
  <fieldset class="permissions">
    <legend>Who holds it may</legend>
    {all.map((permission) => (
      <Permission key={permission} name={permission} isHeld={held.includes(permission)} />
    ))}
  </fieldset>
)

function Permission({ name, isHeld }: { name: string; isHeld: boolean }) {
  const id = useId()
  return (
    <div class="permission">
      <input
        type="checkbox"
        id={id}
        name="permissions"
        value={name}
        defaultChecked={isHeld}
        aria-describedby={`${id}-name`}
      />
      <label for={id}>{wordsOf(name) ?? name}</label>
      <code id={`${id}-name`}>{name}</code>
    </div>
  )
}

const LookAt = ({ role: { name, description, permissions }, onClose }: { role: Role; onClose: () => void }) => (
  <Dialog title={`The role ${name}`} onClose={onClose}>
    {description && <p>{description}</p>}
    {permissions.length === 0 ? <p>It permits nothing.</p> : <p>Who holds it may:</p>}
    <ul>
      {permissions.map((permission) => (
        <li key={permission}>
          {wordsOf(permission)} <code>{permission}</code>
        </li>
      ))}
    </ul>
    <div class="buttons">
      <button type="button" onClick={onClose}>
        Done
      </button>
    </div>
  </Dialog>
)
