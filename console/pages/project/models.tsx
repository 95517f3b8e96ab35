/** The models that a project may use. */
import { NotFoundError } from '../../../client/index.ts'
import { Form, SelectField, TextArea } from '../../parts/form.tsx'
import { Problem, Refusal } from '../../parts/problem.tsx'
import { organization, useAnswer } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

const ALL = 'all'

const modes = [
  { value: ALL, label: 'All models' },
  { value: 'allow_list', label: 'Only these models' },
  { value: 'deny_list', label: 'All models but these' },
]

type Mode = 'allow_list' | 'deny_list'

/** Throws a sentence for an empty list: it would close every model, or none. */
async function allow(project_id: string, mode: Mode, model_ids: string[]) {
  if (model_ids.length === 0) throw new Refusal('Name at least one model, or choose “All models”.')
  await organization.projects.modelPermissions.update(project_id, { mode, model_ids })
}

export function Models({ project: { id }, mayChange }: SectionProps) {
  const { answer, problem, reload } = useAnswer(
    async (options) => {
      try {
        const { mode, model_ids } = await organization.projects.modelPermissions.retrieve(id, options)
        return { mode: mode as string, model_ids }
      } catch (thrown) {
        if (thrown instanceof NotFoundError) return { mode: ALL, model_ids: [] }
        throw thrown
      }
    },
    [id],
  )
  if (!answer) return <Problem problem={problem} retry={reload} />
  const { mode, model_ids } = answer
  if (!mayChange)
    return (
      <>
        <p>{modes.find(({ value }) => value === mode)!.label}</p>
        <ul>
          {model_ids.map((model) => (
            <li key={model}>{model}</li>
          ))}
        </ul>
      </>
    )
  return (
    <Form
      key={`${mode} ${model_ids.join()}`}
      submit="Save"
      onSubmit={async (valueOf) => {
        const chosen = valueOf('mode')
        const model_ids = valueOf('model_ids').split(/\s+/).filter(Boolean)
        if (chosen !== ALL) await allow(id, chosen as Mode, model_ids)
        else if (mode !== ALL) await organization.projects.modelPermissions.delete(id)
        reload()
      }}
    >
      <SelectField label="Keys of this project may use" name="mode" value={mode} options={modes} />
      <TextArea
        label="Models"
        name="model_ids"
        value={model_ids.join('\n')}
        hint="One in a line, with the name that requests give. For “All models” this is left out."
      />
    </Form>
  )
}
