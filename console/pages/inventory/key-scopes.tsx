/** What a new key is restricted to. */
import { useSignal } from '@preact/signals'
import { organization, useAnswer } from '../../use-calls.ts'
import { SelectField } from '../../parts/form.tsx'
import { isOfKeys } from '../../parts/permission-words.ts'
import { Permissions } from '../../parts/permissions.tsx'
import { Problem, Refusal } from '../../parts/problem.tsx'

type Restriction = 'none' | 'read' | 'some'

/** A key of a project: everything that its owner may, only reading, or some permissions. */
export function useScopes(project_id: string) {
  const restriction = useSignal<Restriction>('none')
  const isRestricted = restriction.value !== 'none' && project_id !== ''
  // The built-in roles of a project have every permission that there is in it.
  const { answer, problem, reload } = useAnswer(
    async (options) =>
      isRestricted ? (await organization.projects.roles.list(project_id, { limit: 100 }, options)).data : null,
    [isRestricted && project_id],
  )
  const permitted = answer?.flatMap(({ predefined_role, permissions }) => (predefined_role ? permissions : [])) ?? []
  const known = [...new Set(permitted)].filter(isOfKeys).toSorted()
  /**
   * The scopes that are sent; an empty list restricts nothing. Throws a sentence when none was
   * chosen.
   */
  function chosenIn(form: HTMLFormElement): string[] {
    if (restriction.value === 'none') return []
    const some = new FormData(form).getAll('permissions') as string[]
    const scopes = restriction.value === 'read' ? known.filter(isReading) : some
    if (scopes.length === 0) throw new Refusal('Choose a permission, or let the key do all that its owner may.')
    return scopes
  }
  const isKnown = !isRestricted || known.length > 0
  return { restriction, known, chosenIn, isKnown, problem, reload }
}

const isReading = (permission: string) => permission.endsWith('.read')

type Scopes = ReturnType<typeof useScopes>

export const ScopeFields = ({ scopes: { restriction, known, problem, reload } }: { scopes: Scopes }) => (
  <>
    <SelectField
      label="It may do"
      name="restriction"
      value={restriction.value}
      options={restrictions}
      onChange={(chosen) => (restriction.value = chosen as Restriction)}
    />
    <Problem problem={problem} retry={reload} />
    {restriction.value === 'some' && <Permissions legend="It may" all={known} />}
  </>
)

const restrictions = [
  { value: 'none', label: 'All that its owner may' },
  { value: 'read', label: 'Only read' },
  { value: 'some', label: 'Only what is chosen here' },
]

const adminScopes = [
  { value: 'all', label: 'All that I may: read and change', restricted: {} },
  { value: 'read', label: 'Only read', restricted: { scopes: ['api.management.read', 'api.usage.read'] } },
  { value: 'usage', label: 'Only read usage and costs', restricted: { scopes: ['api.usage.read'] } },
] satisfies { value: string; label: string; restricted: AdminScopes }[]

type AdminScopes = Pick<Parameters<typeof organization.adminAPIKeys.create>[0], 'scopes'>

export const AdminScopeField = () => <SelectField label="It may do" name="scopes" value="all" options={adminScopes} />

/** What the API is told for a choice of the field. */
export const adminScopesFrom = (chosen: string): AdminScopes =>
  adminScopes.find(({ value }) => value === chosen)!.restricted
