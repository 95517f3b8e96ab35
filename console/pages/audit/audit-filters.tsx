/** The filters above the audit log: all of them in the address bar. */
import { SelectField, TextField } from '../../parts/form.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { useFormKey } from '../../parts/use-form-key.ts'
import { place, setQuery } from '../../place.ts'
import { filterNames, periods, toAddress, toField } from './audit-query.ts'
import { eventChoices } from './words.ts'

const none = Object.fromEntries(filterNames.map((name) => [name, null]))
const events = [{ value: '', label: 'Everything' }, ...eventChoices]

export function AuditFilters() {
  const { query } = place.value
  const form = useFormKey()
  function apply(element: HTMLFormElement) {
    const values = new FormData(element)
    const of = (name: string) => {
      const value = values.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    const texts = Object.fromEntries(filterNames.map((name) => [name, of(name)]))
    setQuery({ ...texts, from: toAddress(of('from')), until: toAddress(of('until')) })
    form.keep()
  }
  return (
    <search>
      <form
        key={form.key}
        class="audit-filters"
        onSubmit={(event) => {
          event.preventDefault()
          apply(event.currentTarget)
        }}
        onChange={(event) => event.target instanceof HTMLSelectElement && apply(event.currentTarget)}
      >
        <div class="filters">
          <Fields
            query={query}
            onProject={(project_id) => {
              setQuery({ project_id })
              form.keep()
            }}
          />
        </div>
        <div class="buttons">
          <button type="submit">Show</button>
          <button type="button" onClick={() => setQuery(none)}>
            Show everything
          </button>
        </div>
      </form>
    </search>
  )
}

interface Props {
  query: URLSearchParams
  onProject: (project_id: string) => void
}

const Fields = ({ query, onProject }: Props) => (
  <>
    <SelectField label="What" name="event" value={query.get('event') ?? ''} options={events} />
    <TextField
      label="Who"
      name="who"
      type="search"
      value={query.get('who') ?? ''}
      hint="An e-mail address, or the id of a key."
    />
    <ProjectChoice
      label="Project"
      name="project_id"
      value={query.get('project_id') ?? ''}
      none="All projects"
      withArchived
      onChange={onProject}
    />
    <TextField
      label="About"
      name="resource"
      type="search"
      value={query.get('resource') ?? ''}
      hint="The id of what was changed."
    />
    <SelectField label="When" name="period" value={query.get('period') ?? ''} options={periods} />
    <TextField label="From" name="from" type="datetime-local" value={toField(query.get('from'))} />
    <TextField label="Until" name="until" type="datetime-local" value={toField(query.get('until'))} />
  </>
)
