/** The people who hold a role in a project directly. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { projectRoles } from '../../parts/role-options.ts'
import { organization, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

type Member = Awaited<ReturnType<typeof organization.projects.users.list>>['data'][number]

export function Members({ project: { id: project_id, name }, mayManage }: SectionProps) {
  const list = useList<Member>(
    (options) => organization.projects.users.list(project_id, { limit: 50 }, options),
    [project_id],
  )
  const isAdding = useSignal(false)
  const removing = useSignal<Member | null>(null)
  const changing = useSignal<Member | null>(null)
  return (
    <>
      {mayManage && (
        <button type="button" onClick={() => (isAdding.value = true)}>
          Add a person
        </button>
      )}
      <DataTable
        caption="Members"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<p>Nobody holds a role in this project directly. Groups may, and owners of the organization do.</p>}
        actions={
          mayManage &&
          ((member) => (
            <>
              <button type="button" onClick={() => (changing.value = member)}>
                Change <span class="visually-hidden">the role of {member.name ?? member.email}</span>
              </button>{' '}
              <button type="button" onClick={() => (removing.value = member)}>
                Remove <span class="visually-hidden">{member.name ?? member.email}</span>
              </button>
            </>
          ))
        }
      />
      {isAdding.value && (
        <AddMember project_id={project_id} onAdded={list.reload} onClose={() => (isAdding.value = false)} />
      )}
      {changing.value && (
        <ChangeMember
          project={{ id: project_id, name }}
          member={changing.value}
          onChanged={list.reload}
          onClose={() => (changing.value = null)}
        />
      )}
      {removing.value && (
        <RemoveMember
          project={{ id: project_id, name }}
          member={removing.value}
          onChanged={list.reload}
          onClose={() => (removing.value = null)}
        />
      )}
    </>
  )
}

interface OfMemberProps {
  project: { id: string; name: string }
  member: Member
  onChanged: () => void
  onClose: () => void
}

const RemoveMember = ({ project, member: { id, name, email }, onChanged, onClose }: OfMemberProps) => (
  <Confirm
    title="Remove this person?"
    action="Remove"
    onClose={onClose}
    onConfirm={async () => {
      await organization.projects.users.delete(id, { project_id: project.id })
      onChanged()
    }}
  >
    <p>
      <strong>{name ?? email}</strong> loses every role in {project.name} that is held directly. Without another way in,
      their keys in it open nothing from then on.
    </p>
  </Confirm>
)

const columns: Column<Member>[] = [
  { title: 'Name', cell: ({ name, email }) => name ?? email },
  { title: 'E-mail', cell: ({ email }) => email },
  { title: 'Role', cell: ({ role }) => role },
  { title: 'Added', cell: ({ added_at }) => <DateTime at={added_at} /> },
]

interface AddProps {
  project_id: string
  onAdded: () => void
  onClose: () => void
}

const AddMember = ({ project_id, onAdded, onClose }: AddProps) => (
  <FormDialog
    title="Add a person"
    onClose={onClose}
    submit="Add"
    onSubmit={async (valueOf) => {
      await organization.projects.users.create(project_id, { email: valueOf('email'), role: valueOf('role') })
      onAdded()
      onClose()
    }}
  >
    <TextField
      label="E-mail"
      name="email"
      type="email"
      required
      maxLength={254}
      hint="Of somebody who belongs to the organization already."
    />
    <SelectField label="Role" name="role" options={projectRoles} value="member" />
  </FormDialog>
)

const ChangeMember = ({ project, member: { id, name, email, role }, onChanged, onClose }: OfMemberProps) => (
  <FormDialog
    title={`Change the role of ${name ?? email}`}
    onClose={onClose}
    submit="Change it"
    onSubmit={async (valueOf) => {
      await organization.projects.users.update(id, { project_id: project.id, role: valueOf('role') })
      onChanged()
      onClose()
    }}
  >
    <SelectField label="Role" name="role" options={projectRoles} value={role} />
    <p>Roles of the project’s own stay as they are; they stand under “Roles”.</p>
  </FormDialog>
)
