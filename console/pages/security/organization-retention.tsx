/** What model servers may keep of the requests of the organization. */
import { PolicyForm } from './policy-form.tsx'
import { SelectField } from '../../parts/form.tsx'
import { organization } from '../../use-calls.ts'
import type { SecurityProps } from '../security.tsx'
import { retentionHint, retentionTypes } from './retention-types.ts'

type Type = (typeof retentionTypes)[number]['value']

export const OrganizationRetention = ({ mayChange }: SecurityProps) => (
  <PolicyForm
    ask={(options) => organization.dataRetention.retrieve(options)}
    inputs={[]}
    mayChange={mayChange}
    save={(form) => organization.dataRetention.update({ retention_type: form.get('retention_type') as Type })}
  >
    {({ type }) => (
      <SelectField
        label="Data retention of every project that has none of its own"
        name="retention_type"
        value={type}
        options={retentionTypes}
        hint={`A project can have one of its own, also a weaker one. ${retentionHint}`}
      />
    )}
  </PolicyForm>
)
