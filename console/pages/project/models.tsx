/** The models that a project may use. */
import { NotFoundError } from '../../../client/index.ts'
import { Form, SelectField, TextArea } from '../../parts/form.tsx'
import { Problem } from '../../parts/problem.tsx'
import { organization, useAnswer } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

const ALL = 'all'

const modes = [
  { value: ALL, label: 'All models' },
  { value: 'allow_list', label: 'Only these models' },
  { value: 'deny_list', label: 'All models but these' },
]

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
        if (chosen === ALL) await organization.projects.modelPermissions.delete(id)
        else
          await organization.projects.modelPermissions.update(id, {
            mode: chosen as 'allow_list' | 'deny_list',
            model_ids: valueOf('model_ids').split(/\s+/).filter(Boolean),
          })
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
