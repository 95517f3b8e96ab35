/** Gives a person one more role, of the organization or of any project. */
import { useSignal } from '@preact/signals'
import { SelectField } from '../../parts/form.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { useAnswer } from '../../use-calls.ts'
import { ofOrganization, ofProject, type RoleHome } from '../roles/role-home.ts'

interface Props {
  person: { id: string; name: string }
  onGiven: () => void
  onClose: () => void
}

const places = [
  { value: 'organization', label: 'The organization' },
  { value: 'project', label: 'A project' },
]

export function GiveRole({ person, onGiven, onClose }: Props) {
  const place = useSignal('organization')
  const project_id = useSignal('')
  const home = homeOf(place.value, project_id.value)
  const roles = useAnswer(async (options) => (home ? (await home.list(options)).data : []), [home?.key])
  // Those of another place must not be given in this one.
  const isKnown = home !== null && roles.isCurrent && roles.answer !== undefined
  return (
    <FormDialog
      title={`Give ${person.name} a role`}
      onClose={onClose}
      submit="Give the role"
      isDisabled={!isKnown}
      onSubmit={async (valueOf) => {
        await home!.give(valueOf('role_id'), { type: 'user', id: person.id })
        onGiven()
        onClose()
      }}
    >
      <SelectField
        label="Where"
        name="place"
        value={place.value}
        options={places}
        onChange={(chosen) => {
          place.value = chosen
          project_id.value = ''
        }}
      />
      {place.value === 'project' && (
        <ProjectChoice label="Project" name="project_id" onChange={(chosen) => (project_id.value = chosen)} />
      )}
      <Problem problem={roles.problem} retry={roles.reload} />
      {isKnown && (
        <SelectField
          key={home.key}
          label="Role"
          name="role_id"
          required
          options={[
            { value: '', label: 'Choose one' },
            ...roles.answer!.map(({ id, name, description }) => ({
              value: id,
              label: description ? `${name}: ${description}` : name,
            })),
          ]}
        />
      )}
    </FormDialog>
  )
}

/** Null until a project is chosen. */
function homeOf(place: string, project_id: string): RoleHome | null {
  if (place === 'organization') return ofOrganization
  return project_id === '' ? null : ofProject({ id: project_id, name: '' }, true)
}
