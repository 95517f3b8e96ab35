/** Makes a key of one's own: a form, and then the value of the key, once. */
import { useSignal } from '@preact/signals'
import { organization } from '../use-calls.ts'
import { DAY } from '../time-spans.ts'
import { lifetimeFrom, lifetimes } from './lifetimes.ts'
import { ShownOnce } from './shown-once.tsx'
import { FormDialog } from './form-dialog.tsx'
import { SelectField, TextField } from './form.tsx'
import { ProjectChoice } from './project-choice.tsx'
import type { NamedProject } from './use-project-search.ts'

interface Props {
  /** Where keys can be made, if not in all projects of the organization. */
  among: readonly NamedProject[] | undefined
  /** The one that is chosen at first. */
  project_id: string | undefined
  /** Called when there is one key more. */
  onMade: () => void
  onClose: () => void
}

export function NewKey({ onMade, onClose, ...chosen }: Props) {
  const value = useSignal<string | null>(null)
  function made(key: string) {
    value.value = key
    onMade()
  }
  if (value.value !== null) return <ShownOnce value={value.value} onDone={onClose} />
  return <MakeKey {...chosen} onMade={made} onClose={onClose} />
}

interface MakeProps extends Pick<Props, 'among' | 'project_id' | 'onClose'> {
  onMade: (value: string) => void
}

const MakeKey = ({ among, project_id, onClose, onMade }: MakeProps) => (
  <FormDialog
    title="Make a key"
    onClose={onClose}
    submit="Make the key"
    onSubmit={async (valueOf) => {
      const { value } = await organization.me.apiKeys.create({
        project_id: valueOf('project_id'),
        name: valueOf('name'),
        ...lifetimeFrom(valueOf('expires_in_seconds')),
      })
      onMade(value)
    }}
  >
    <ProjectChoice label="Project" name="project_id" value={project_id} among={among} />
    <TextField label="Name" name="name" required maxLength={255} hint="Where it will be used, such as “laptop”." />
    <SelectField label="It expires" name="expires_in_seconds" value={String(90 * DAY)} options={lifetimes} />
  </FormDialog>
)
