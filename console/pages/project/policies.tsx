/** What requests of a project may ask of model servers: storing, hosted tools, service tiers. */
import { useSignal } from '@preact/signals'
import { PolicyForm } from '../security/policy-form.tsx'
import { SelectField } from '../../parts/form.tsx'
import { CheckField } from '../../parts/check-field.tsx'
import { organization } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'
import { projectRetentionTypes, retentionHint } from '../security/retention-types.ts'

const { dataRetention, hostedToolPermissions, serviceTierSettings } = organization.projects

type Retention = (typeof projectRetentionTypes)[number]['value']

const tools = {
  file_search: 'File search',
  web_search: 'Web search',
  image_generation: 'Image generation',
  mcp: 'MCP servers',
  code_interpreter: 'Code interpreter',
}
type Tool = keyof typeof tools
const toolNames = Object.keys(tools) as Tool[]

export const Policies = (props: SectionProps) => (
  <>
    <h2>Data retention</h2>
    <ProjectRetention {...props} />
    <h2>Hosted tools</h2>
    <p class="about">Tools that the model server runs by itself. A request that names one that is off is refused.</p>
    <HostedTools {...props} />
    <h2>Service tiers</h2>
    <ServiceTiers {...props} />
  </>
)

const ProjectRetention = ({ project: { id }, mayChange }: SectionProps) => (
  <PolicyForm
    ask={(options) => dataRetention.retrieve(id, options)}
    inputs={[id]}
    mayChange={mayChange}
    save={(form) => dataRetention.update(id, { retention_type: form.get('retention_type') as Retention })}
  >
    {({ type }) => (
      <SelectField
        label="Data retention of this project"
        name="retention_type"
        value={type}
        options={projectRetentionTypes}
        hint={retentionHint}
      />
    )}
  </PolicyForm>
)

const HostedTools = ({ project: { id }, mayChange }: SectionProps) => (
  <PolicyForm
    ask={(options) => hostedToolPermissions.retrieve(id, options)}
    inputs={[id]}
    mayChange={mayChange}
    save={(form) =>
      hostedToolPermissions.update(
        id,
        Object.fromEntries(toolNames.map((name) => [name, { enabled: form.has(name) }])) as Record<
          Tool,
          { enabled: boolean }
        >,
      )
    }
  >
    {(policy) =>
      toolNames.map((name) => (
        <CheckField key={name} label={tools[name]} name={name} isChecked={policy[name].enabled} />
      ))
    }
  </PolicyForm>
)

const defaults = [
  { value: 'standard', label: 'Standard' },
  { value: 'fast', label: 'Fast' },
  { value: 'scale', label: 'Scale' },
] as const
const optional = { flex: 'Flex', fast: 'Fast', ultrafast: 'Ultrafast' }
type OptionalTier = keyof typeof optional
const optionalNames = Object.keys(optional) as OptionalTier[]

const ServiceTiers = ({ project: { id }, mayChange }: SectionProps) => (
  <PolicyForm
    ask={(options) => serviceTierSettings.retrieve(id, options)}
    inputs={[id]}
    mayChange={mayChange}
    save={(form) =>
      serviceTierSettings.update(id, {
        default: form.get('default') as (typeof defaults)[number]['value'],
        enabled_tiers: form.has('all') ? 'all' : optionalNames.filter((name) => form.has(name)),
      })
    }
  >
    {({ default: tier, enabled_tiers: enabled }) => (
      <>
        <SelectField
          label="Requests that name no tier get"
          name="default"
          value={tier}
          options={defaults}
          hint="Until something is saved here, requests are passed on as they are."
        />
        <EnabledTiers enabled={enabled} />
      </>
    )}
  </PolicyForm>
)

function EnabledTiers({ enabled }: { enabled: 'all' | readonly string[] }) {
  const isAll = useSignal(enabled === 'all')
  return (
    <>
      <CheckField
        label="Every other tier may be asked for, also those to come"
        name="all"
        isChecked={enabled === 'all'}
        onChange={(isChecked) => (isAll.value = isChecked)}
      />
      {optionalNames.map((name) => (
        <CheckField
          key={name}
          label={`${optional[name]} may be asked for`}
          name={name}
          isChecked={enabled === 'all' || enabled.includes(name)}
          isDisabled={isAll.value}
        />
      ))}
    </>
  )
}
