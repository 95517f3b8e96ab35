/** A role: its name and what it permits, to make, to change or to look at. */
import { Dialog } from '../../parts/dialog.tsx'
import { Done } from '../../parts/done.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { remarkOn, wordsOf } from '../../parts/permission-words.ts'
import { Permissions } from '../../parts/permissions.tsx'
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
      <Permissions
        legend="Who holds it may"
        all={[...new Set([...all, ...(role?.permissions ?? [])])]}
        held={role?.permissions ?? []}
      />
    </FormDialog>
  )
}

const LookAt = ({ role: { name, description, permissions }, onClose }: { role: Role; onClose: () => void }) => (
  <Dialog title={`The role ${name}`} onClose={onClose}>
    {description && <p>{description}</p>}
    {permissions.length === 0 ? <p>It permits nothing.</p> : <p>Who holds it may:</p>}
    <ul>
      {permissions.map((permission) => (
        <li key={permission}>
          {wordsOf(permission)} <code>{permission}</code> {remarkOn(permission)}
        </li>
      ))}
    </ul>
    <Done onClose={onClose} />
  </Dialog>
)
