/** What is chosen for the plot: all of it in the address bar. */
import { SelectField } from '../../parts/form.tsx'
import { ProjectChoice } from '../../parts/project-choice.tsx'
import { setQuery } from '../../place.ts'
import { groupingsOf, intervals, kindsOf, measures, periods, type Choice } from './usage-choices.ts'
import { amongOf, isOnlyOwn, onlyProject, type Scope } from './usage-scope.ts'

interface Props {
  choice: Choice
  scope: Scope
}

interface Field {
  label: string
  name: string
  value: string
  options: readonly { value: string; label: string }[]
  /** What else the address no longer says when another is chosen. */
  forgets?: Record<string, null>
}

const everybody = [
  { value: '', label: 'Everybody' },
  { value: 'me', label: 'Only me' },
]

export function UsageFilters({ choice, scope }: Props) {
  const { measure, grouping, interval, period, kind, project_id, isOwn } = choice
  const among = amongOf(scope, isOwn)
  const kinds = kindsOf(measure)
  const fields: readonly Field[] = [
    { label: 'Show', name: 'measure', value: measure, options: measures, forgets: { kind: null } },
    { label: 'By', name: 'group_by', value: grouping, options: groupingsOf(scope, isOwn) },
    { label: 'In', name: 'interval', value: interval, options: intervals, forgets: { period: null } },
    { label: 'Of the last', name: 'period', value: period, options: periods[interval] },
    ...(isOnlyOwn(scope) ? [] : [{ label: 'Used by', name: 'whose', value: isOwn ? 'me' : '', options: everybody }]),
    ...(kinds.length > 0
      ? [{ label: 'Of', name: 'kind', value: kind ?? '', options: [{ value: '', label: 'Everything' }, ...kinds] }]
      : []),
  ]
  return (
    <search class="filters">
      {onlyProject(scope, isOwn) === null && (
        <ProjectChoice
          label="Project"
          name="project_id"
          value={project_id ?? ''}
          none={among ? 'All my projects' : 'All projects'}
          among={among}
          withArchived
          onChange={(chosen) => setQuery({ project_id: chosen })}
        />
      )}
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
