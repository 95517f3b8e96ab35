/** The filters above the inventory: all of them in the address bar. */
import { place, setQuery } from '../../place.ts'
import { SelectField, TextField } from '../../parts/form.tsx'
import { filterNames, filters } from './query.ts'

/** Questions that are asked again and again, one click away. */
const shortcuts: readonly { label: string; chosen: Record<string, string> }[] = [
  { label: 'Not used for 90 days', chosen: { used: 'not-90-days' } },
  { label: 'Owner has left', chosen: { access: 'left' } },
  { label: 'Never expires', chosen: { expires: 'never' } },
  { label: 'Expires within 30 days', chosen: { expires: '30-days' } },
]

const none = Object.fromEntries(['project_id', 'owner_id', 'name', ...filterNames].map((name) => [name, null]))

export function FilterBar({ projects }: { projects: readonly { id: string; name: string }[] }) {
  const { query } = place.value
  const project_id = query.get('project_id') ?? ''
  const isFiltered = Object.keys(none).some((name) => query.has(name))
  return (
    <search>
      <Shortcuts isFiltered={isFiltered} />
      <form
        key={[...query].join()}
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          setQuery({ name: event.currentTarget.querySelector('input')!.value.trim() })
        }}
      >
        <TextField label="Name contains" name="name" type="search" value={query.get('name') ?? ''} maxLength={255} />
        <SelectField
          label="Project"
          name="project_id"
          value={project_id}
          options={projectOptions(projects, project_id)}
          onChange={(project_id) => setQuery({ project_id })}
        />
        {filterNames.map((name) => (
          <SelectField
            key={name}
            label={filters[name].label}
            name={name}
            value={query.get(name) ?? ''}
            options={filters[name].choices()}
            onChange={(value) => setQuery({ [name]: value })}
          />
        ))}
      </form>
    </search>
  )
}

const Shortcuts = ({ isFiltered }: { isFiltered: boolean }) => (
  <p class="shortcuts">
    {shortcuts.map(({ label, chosen }) => (
      <button key={label} type="button" onClick={() => setQuery({ ...none, ...chosen })}>
        {label}
      </button>
    ))}
    {isFiltered && (
      <button type="button" onClick={() => setQuery(none)}>
        Show all keys
      </button>
    )}
  </p>
)

/** The project of the address is a choice too where it is not among those that were fetched. */
function projectOptions(projects: readonly { id: string; name: string }[], project_id: string) {
  const known = projects.map(({ id, name }) => ({ value: id, label: name }))
  const isKnown = project_id === '' || known.some(({ value }) => value === project_id)
  return [
    { value: '', label: 'All projects' },
    ...known,
    ...(isKnown ? [] : [{ value: project_id, label: project_id }]),
  ]
}
