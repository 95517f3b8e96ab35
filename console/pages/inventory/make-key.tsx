/** Makes a key for anybody in any project, or an admin key, and shows its value once. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { organization } from '../../use-calls.ts'
import { canAsOwner, type Me } from '../../session.ts'
import { SelectField, TextField } from '../../parts/form.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { lifetimeFrom, lifetimes } from '../../parts/lifetimes.ts'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { ShownOnce, type KeyKind } from '../../parts/shown-once.tsx'
import { DAY } from '../../time-spans.ts'
import { makeFor, OwnerField, NEW_ACCOUNT } from './key-owner.tsx'
import { AdminScopeField, adminScopesFrom, ScopeFields, useScopes } from './key-scopes.tsx'

interface Props {
  me: Me
  /** The project that is chosen at first. */
  project_id: string | undefined
  /** Called when there is one key more. */
  onMade: () => void
  onClose: () => void
}

export function MakeKey({ me, project_id, onMade, onClose }: Props) {
  const kind = useSignal<KeyKind>('project')
  const value = useSignal<string | null>(null)
  function show(made: string) {
    value.value = made
    onMade()
  }
  if (value.value !== null) return <ShownOnce value={value.value} kind={kind.value} onDone={onClose} />
  const form = {
    // Admin keys belong to owners, and nobody makes one for somebody else.
    kindField: canAsOwner(me, 'api.management.write') && (
      <SelectField
        label="Kind"
        name="kind"
        value={kind.value}
        options={kinds}
        onChange={(chosen) => (kind.value = chosen as KeyKind)}
      />
    ),
    onMade: show,
    onClose,
  }
  return kind.value === 'admin' ? (
    <AdminKeyForm {...form} />
  ) : (
    <ProjectKeyForm me={me} project_id={project_id} {...form} />
  )
}

const kinds = [
  { value: 'project', label: 'Key of a project: programs call models with it' },
  { value: 'admin', label: 'Admin key: programs administer the organization with it' },
]

interface FormProps {
  kindField: ComponentChildren
  onMade: (value: string) => void
  onClose: () => void
}

const dialog = { title: 'Make a key', submit: 'Make the key' }

function AdminKeyForm({ kindField, onMade, onClose }: FormProps) {
  return (
    <FormDialog
      {...dialog}
      onClose={onClose}
      onSubmit={async (valueOf) => {
        const { value } = await organization.adminAPIKeys.create({
          name: valueOf('name'),
          ...lifetimeFrom(valueOf('expires_in_seconds')),
          ...adminScopesFrom(valueOf('scopes')),
        })
        onMade(value)
      }}
    >
      {kindField}
      <p class="hint">It is yours, and opens nothing once you do not own the organization any more.</p>
      <NameField label="Name" hint="What uses it, such as “Terraform”." />
      <Lifetime />
      <AdminScopeField />
    </FormDialog>
  )
}

interface ProjectFormProps extends FormProps {
  me: Me
  project_id: string | undefined
}

function ProjectKeyForm({ me, project_id: first, kindField, onMade, onClose }: ProjectFormProps) {
  const project_id = useSignal(first ?? '')
  const owner = useSignal('')
  const scopes = useScopes(project_id.value)
  const isNew = owner.value === NEW_ACCOUNT
  return (
    <FormDialog
      {...dialog}
      onClose={onClose}
      isDisabled={!isNew && !scopes.isKnown}
      onSubmit={async (valueOf, form) => {
        const wanted = { name: valueOf('name'), ...lifetimeFrom(valueOf('expires_in_seconds')) }
        onMade(await makeFor(valueOf('user_id'), project_id.value, wanted, isNew ? [] : scopes.chosenIn(form)))
      }}
    >
      {kindField}
      <ProjectChoice
        label="Project"
        name="project_id"
        value={project_id.value}
        onChange={(chosen) => {
          project_id.value = chosen
          owner.value = ''
        }}
      />
      {project_id.value !== '' && (
        <OwnerField
          key={project_id.value}
          me={me}
          project_id={project_id.value}
          onChange={(chosen) => (owner.value = chosen)}
        />
      )}
      <NameField
        label={isNew ? 'Name of the account' : 'Name'}
        hint={isNew ? 'Such as the program that uses it.' : 'Where it will be used, such as “laptop”.'}
      />
      <Lifetime />
      {isNew ? (
        <p class="hint">The first key of an account may do all that the account may.</p>
      ) : (
        project_id.value !== '' && <ScopeFields scopes={scopes} />
      )}
    </FormDialog>
  )
}

const NameField = ({ label, hint }: { label: string; hint: string }) => (
  <TextField label={label} name="name" required maxLength={255} hint={hint} />
)

const Lifetime = () => (
  <SelectField label="It expires" name="expires_in_seconds" value={String(90 * DAY)} options={lifetimes} />
)
