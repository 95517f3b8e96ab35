/** What is chosen for the plot: all of it in the address bar. */
import { SelectField } from '../../parts/form.tsx'
import { projectOptions } from '../../parts/project-options.ts'
import { setQuery } from '../../place.ts'
import { groupings, intervalsOf, kindsOf, measures, periods, type Choice } from './usage-choices.ts'

interface Props {
  choice: Choice
  projects: readonly { id: string; name: string }[]
}

interface Field {
  label: string
  name: string
  value: string
  options: readonly { value: string; label: string }[]
  /** What else the address no longer says when another is chosen. */
  forgets?: Record<string, null>
}

export function UsageFilters({ choice, projects }: Props) {
  const { measure, grouping, interval, period, kind, project_id } = choice
  const kinds = kindsOf(measure)
  const fields: readonly Field[] = [
    { label: 'Show', name: 'measure', value: measure, options: measures, forgets: { kind: null } },
    { label: 'By', name: 'group_by', value: grouping, options: groupings },
    { label: 'In', name: 'interval', value: interval, options: intervalsOf(measure), forgets: { period: null } },
    { label: 'Of the last', name: 'period', value: period, options: periods[interval] },
    {
      label: 'Project',
      name: 'project_id',
      value: project_id ?? '',
      options: projectOptions(projects, project_id ?? ''),
    },
    ...(kinds.length > 0
      ? [{ label: 'Of', name: 'kind', value: kind ?? '', options: [{ value: '', label: 'Everything' }, ...kinds] }]
      : []),
  ]
  return (
    <search class="filters">
      {fields.map(({ label, name, value, options, forgets }) => (
        <SelectField
          // A select whose options change begins anew, so that it shows what the address says.
          key={`${name} ${options.map((option) => option.value).join(' ')}`}
          label={label}
          name={name}
          value={value}
          options={options}
          onChange={(chosen) => setQuery({ ...forgets, [name]: chosen })}
        />
      ))}
    </search>
  )
}
