/** Invites somebody to the organization, and to any number of its projects at once. */
import { useSignal } from '@preact/signals'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { Refusal } from '../../parts/problem.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { organizationRoles, projectRoles, type OrganizationRole } from '../../parts/role-options.ts'
import { organization } from '../../use-calls.ts'

/** As many as an invite takes. */
const MOST_PROJECTS = 100

interface InviteProps {
  onInvited: () => void
  onClose: () => void
}

export function InviteSomebody({ onInvited, onClose }: InviteProps) {
  const invited = useSignal<{ id: string; email: string } | null>(null)
  const count = useSignal(1)
  if (invited.value) return <Invited of={invited.value} onClose={onClose} />
  return (
    <FormDialog
      title="Invite somebody"
      onClose={onClose}
      submit="Invite"
      onSubmit={async (valueOf, form) => {
        invited.value = await organization.invites.create({
          email: valueOf('email'),
          role: valueOf('role') as OrganizationRole,
          projects: projectsIn(form),
        })
        onInvited()
      }}
    >
      <TextField label="E-mail" name="email" type="email" required maxLength={254} />
      <SelectField label="Role" name="role" value="member" options={organizationRoles} />
      {Array.from({ length: count.value }, (_, at) => (
        <InProject key={at} place={at + 1} />
      ))}
      {count.value < MOST_PROJECTS && (
        <button type="button" onClick={() => count.value++}>
          One more project
        </button>
      )}
    </FormDialog>
  )
}

/** A project of the invite. The fields of all of them have the same names. */
const InProject = ({ place }: { place: number }) => (
  <fieldset class="bare">
    <legend class="visually-hidden">{place === 1 ? 'The first project' : `Project number ${place}`}</legend>
    <ProjectChoice label="Project" name="project_id" none="None yet" />
    <SelectField label="Role in it" name="project_role" value="member" options={invitedRoles} />
  </fieldset>
)

type ProjectRole = 'member' | 'owner'

/** Nobody is invited as a viewer. */
const invitedRoles = projectRoles.filter(({ value }) => value !== 'viewer')

/** Throws a sentence for a project that is chosen twice. */
function projectsIn(form: HTMLFormElement) {
  const values = new FormData(form)
  const roles = values.getAll('project_role') as ProjectRole[]
  const chosen = (values.getAll('project_id') as string[]).flatMap((id, at) => (id ? { id, role: roles[at]! } : []))
  if (new Set(chosen.map(({ id }) => id)).size < chosen.length) throw new Refusal('A project is chosen twice.')
  return chosen
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
