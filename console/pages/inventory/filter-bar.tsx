/** The filters above the inventory: all of them in the address bar. */
import { place, setQuery } from '../../place.ts'
import { SelectField, TextField } from '../../parts/form.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { useFormKey } from '../../parts/use-form-key.ts'
import { filterNames, filters } from './query.ts'

/** Questions that are asked again and again, one click away. */
const shortcuts: readonly { label: string; chosen: Record<string, string> }[] = [
  { label: 'Not used for 90 days', chosen: { used: 'not-90-days' } },
  { label: 'Owner has lost access', chosen: { access: 'left' } },
  { label: 'Never expires', chosen: { expires: 'never' } },
  { label: 'Expired, or expires soon', chosen: { expires: '30-days' } },
]

const none = Object.fromEntries(['project_id', 'owner_id', 'name', ...filterNames].map((name) => [name, null]))

export function FilterBar() {
  const { query } = place.value
  const form = useFormKey()
  const project_id = query.get('project_id') ?? ''
  function choose(values: Record<string, string>) {
    setQuery(values)
    form.keep()
  }
  const isFiltered = Object.keys(none).some((name) => query.has(name))
  return (
    <search>
      <Shortcuts isFiltered={isFiltered} />
      <form
        key={form.key}
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          choose({ name: event.currentTarget.querySelector('input')!.value.trim() })
        }}
      >
        <TextField label="Name contains" name="name" type="search" value={query.get('name') ?? ''} maxLength={255} />
        <ProjectChoice
          label="Project"
          name="project_id"
          value={project_id}
          none="All projects"
          withArchived
          onChange={(project_id) => choose({ project_id })}
        />
        {filterNames.map((name) => (
          <SelectField
            key={name}
            label={filters[name].label}
            name={name}
            value={query.get(name) ?? ''}
            options={filters[name].choices()}
            onChange={(value) => choose({ [name]: value })}
          />
        ))}
        {/* With a second text field, Enter sends a form only where there is a button for it. */}
        <button type="submit" hidden>
          Find
        </button>
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
