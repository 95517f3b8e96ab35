/** Invites to the organization: to send, to watch and to take back. */
import { useSignal } from '@preact/signals'
import { CopyButton } from '../../parts/copy-button.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { organizationRoles, type OrganizationRole } from '../../parts/role-options.ts'
import { organization, useList } from '../../use-calls.ts'
import type { PeopleProps } from '../people.tsx'

type Invite = Awaited<ReturnType<typeof organization.invites.list>>['data'][number]

export function Invites({ mayChange }: PeopleProps) {
  const list = useList<Invite>((options) => organization.invites.list({ limit: 50 }, options), [])
  const isInviting = useSignal(false)
  const ending = useSignal<Invite | null>(null)
  return (
    <>
      {mayChange && (
        <button type="button" onClick={() => (isInviting.value = true)}>
          Invite somebody
        </button>
      )}
      <DataTable
        caption="Invites"
        list={list}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Empty title="There is no invite">People join the organization by accepting one.</Empty>}
        actions={
          mayChange &&
          ((invite) =>
            invite.status !== 'accepted' && (
              <button type="button" onClick={() => (ending.value = invite)}>
                Take back <span class="visually-hidden">the invite of {invite.email}</span>
              </button>
            ))
        }
      />
      {isInviting.value && <InviteSomebody onInvited={list.reload} onClose={() => (isInviting.value = false)} />}
      {ending.value && (
        <Confirm
          title="Take the invite back?"
          action="Take back"
          onClose={() => (ending.value = null)}
          onConfirm={async () => {
            await organization.invites.delete(ending.value!.id)
            list.reload()
          }}
        >
          <p>
            The link that <strong>{ending.value.email}</strong> got stops working.
          </p>
        </Confirm>
      )}
    </>
  )
}

const columns: Column<Invite>[] = [
  { title: 'E-mail', cell: ({ email }) => email },
  { title: 'Status', cell: ({ status }) => status },
  { title: 'Role', cell: ({ role }) => role },
  { title: 'Sent', cell: ({ created_at }) => <DateTime at={created_at} /> },
  { title: 'Expires', cell: ({ expires_at }) => <DateTime at={expires_at} /> },
]

interface InviteProps {
  onInvited: () => void
  onClose: () => void
}

function InviteSomebody({ onInvited, onClose }: InviteProps) {
  const invited = useSignal<{ id: string; email: string } | null>(null)
  if (invited.value) return <Invited of={invited.value} onClose={onClose} />
  return (
    <FormDialog
      title="Invite somebody"
      onClose={onClose}
      submit="Invite"
      onSubmit={async (valueOf) => {
        const project_id = valueOf('project_id')
        invited.value = await organization.invites.create({
          email: valueOf('email'),
          role: valueOf('role') as OrganizationRole,
          projects: project_id ? [{ id: project_id, role: 'member' }] : [],
        })
        onInvited()
      }}
    >
      <TextField label="E-mail" name="email" type="email" required maxLength={254} />
      <SelectField label="Role" name="role" value="member" options={organizationRoles} />
      <ProjectChoice label="Project" name="project_id" none="None yet" />
    </FormDialog>
  )
}

const Invited = ({ of: { id, email }, onClose }: { of: { id: string; email: string }; onClose: () => void }) => (
  <Dialog title="Invited" onClose={onClose}>
    <p>
      {email} gets a mail with a link, where the server can send mail. Where it cannot, this command prints the link on
      the machine of the server:
    </p>
    <div class="lines">
      <pre tabIndex={0} aria-label="The command">
        keyhall invites link {id}
      </pre>
      <CopyButton text={`keyhall invites link ${id}`} of="the command" />
    </div>
    <div class="buttons">
      <button type="button" class="primary" onClick={onClose}>
        Done
      </button>
    </div>
  </Dialog>
)
