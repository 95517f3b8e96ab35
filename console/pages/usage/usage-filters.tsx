/** What is chosen for the plot: all of it in the address bar. */
import { SelectField } from '../../parts/form.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import type { NamedProject } from '../../parts/use-project-search.ts'
import { setQuery } from '../../place.ts'
import { groupings, intervalsOf, kindsOf, measures, periods, type Choice } from './usage-choices.ts'

interface Props {
  choice: Choice
  /** The projects of somebody who does not see all. */
  among: readonly NamedProject[] | undefined
}

interface Field {
  label: string
  name: string
  value: string
  options: readonly { value: string; label: string }[]
  /** What else the address no longer says when another is chosen. */
  forgets?: Record<string, null>
}

export function UsageFilters({ choice, among }: Props) {
  const { measure, grouping, interval, period, kind, project_id } = choice
  const kinds = kindsOf(measure)
  const fields: readonly Field[] = [
    { label: 'Show', name: 'measure', value: measure, options: measures, forgets: { kind: null } },
    { label: 'By', name: 'group_by', value: grouping, options: groupings },
    { label: 'In', name: 'interval', value: interval, options: intervalsOf(measure), forgets: { period: null } },
    { label: 'Of the last', name: 'period', value: period, options: periods[interval] },
    ...(kinds.length > 0
      ? [{ label: 'Of', name: 'kind', value: kind ?? '', options: [{ value: '', label: 'Everything' }, ...kinds] }]
      : []),
  ]
  return (
    <search class="filters">
      <ProjectChoice
        label="Project"
        name="project_id"
        value={project_id ?? ''}
        none="All projects"
        among={among}
        withArchived
        onChange={(chosen) => setQuery({ project_id: chosen })}
      />
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
