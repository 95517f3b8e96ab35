/** What a new key is restricted to. */
import { useSignal } from '@preact/signals'
import { organization, useAnswer } from '../../use-calls.ts'
import { SelectField } from '../../parts/form.tsx'
import { Problem } from '../../parts/problem.tsx'

type Restriction = 'none' | 'read' | 'some'

/** A key of a project: everything that its owner may, only reading, or some permissions. */
export function useScopes(project_id: string) {
  const restriction = useSignal<Restriction>('none')
  const some = useSignal<ReadonlySet<string>>(new Set())
  const isRestricted = restriction.value !== 'none' && project_id !== ''
  // The built-in roles of a project have every permission that there is in it.
  const { answer, problem, reload } = useAnswer(
    async (options) =>
      isRestricted ? (await organization.projects.roles.list(project_id, { limit: 100 }, options)).data : null,
    [isRestricted && project_id],
  )
  const known = [
    ...new Set(answer?.flatMap(({ predefined_role, permissions }) => (predefined_role ? permissions : [])) ?? []),
  ].toSorted()
  /** The scopes that are sent; an empty list restricts nothing. Throws when none was chosen. */
  function chosen(): string[] {
    if (restriction.value === 'none') return []
    const scopes = restriction.value === 'read' ? known.filter(isReading) : known.filter((one) => some.value.has(one))
    if (scopes.length === 0) throw new Error('Choose a permission, or let the key do all that its owner may.')
    return scopes
  }
  const isKnown = !isRestricted || known.length > 0
  return { restriction, some, known, chosen, isKnown, problem, reload }
}

const isReading = (permission: string) => permission.endsWith('.read')

type Scopes = ReturnType<typeof useScopes>

export const ScopeFields = ({ scopes }: { scopes: Scopes }) => (
  <>
    <SelectField
      label="It may do"
      name="restriction"
      value={scopes.restriction.value}
      options={restrictions}
      onChange={(chosen) => (scopes.restriction.value = chosen as Restriction)}
    />
    <Problem problem={scopes.problem} retry={scopes.reload} />
    {scopes.restriction.value === 'some' && <Permissions {...scopes} />}
  </>
)

const restrictions = [
  { value: 'none', label: 'All that its owner may' },
  { value: 'read', label: 'Only read' },
  { value: 'some', label: 'Only what is chosen here' },
]

const Permissions = ({ known, some }: Pick<Scopes, 'known' | 'some'>) => (
  <fieldset class="permissions">
    <legend>Permissions</legend>
    {known.map((permission) => (
      <label key={permission} class="check">
        <input
          type="checkbox"
          checked={some.value.has(permission)}
          onChange={({ currentTarget: { checked } }) => {
            const others = [...some.value].filter((one) => one !== permission)
            some.value = new Set(checked ? [...others, permission] : others)
          }}
        />
        <code>{permission}</code>
      </label>
    ))}
  </fieldset>
)

const adminScopes = {
  all: undefined,
  read: ['api.management.read', 'api.usage.read'],
  usage: ['api.usage.read'],
} as const

export const AdminScopeField = () => (
  <SelectField
    label="It may do"
    name="scopes"
    value="all"
    options={[
      { value: 'all', label: 'All that I may: read and change' },
      { value: 'read', label: 'Only read' },
      { value: 'usage', label: 'Only read usage and costs' },
    ]}
  />
)

/** What the API is told for a choice of the field. */
export function adminScopesFrom(chosen: string) {
  const scopes = adminScopes[chosen as keyof typeof adminScopes]
  return scopes ? { scopes: [...scopes] } : {}
}
