/** The plot of usage, its filters, and the tables with its numbers. */
import { useMemo } from 'preact/hooks'
import { Waiting } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Problem } from '../../parts/problem.tsx'
import { hrefOf } from '../../place.ts'
import { useProjectNames } from '../../project-names.ts'
import { can } from '../../session.ts'
import { useAnswer } from '../../use-calls.ts'
import { groupings, measures, type Choice } from './usage-choices.ts'
import { csvOf, download } from './usage-csv.ts'
import { plotOf, stacksOf, type Stack } from './usage-figure.ts'
import { UsageFilters } from './usage-filters.tsx'
import { useNames, type NameOf } from './usage-names.ts'
import { UsagePlot } from './usage-plot.tsx'
import { askForUsage, type UsageData } from './usage-reports.ts'
import type { Scope } from './usage-scope.ts'
import { Estimated, Sums, Times } from './usage-tables.tsx'

interface Props {
  choice: Choice
  scope: Scope
  /** The budget of a month, of what is chosen; null where there is none. */
  cents: number | null
}

export function UsageView({ choice, scope, cents }: Props) {
  const usage = useAnswer((options) => askForUsage(choice, scope, options), [...Object.values(choice), scope.fixed])
  const named = usage.answer?.choice.grouping === 'project' ? usage.answer.groups.map(({ id }) => id) : []
  const projects = useProjectNames(can(scope.me, 'api.management.read') ? named : [], scope.me.projects)
  const nameOf = useNames(usage.answer, projects, scope.me)
  const { answer: data } = usage
  const hasUsage = data !== undefined && data.groups.length > 0
  const isStale = data !== undefined && !usage.isCurrent
  return (
    <>
      <UsageFilters choice={choice} scope={scope} />
      <Problem problem={usage.problem} retry={usage.reload} />
      {(!data || (isStale && !hasUsage)) && usage.isLoading && <Waiting />}
      {data && !hasUsage && !isStale && <NothingUsed mayWiden={scope.fixed === null && choice.project_id !== null} />}
      {isStale && hasUsage && (
        <p class="visually-hidden" role="status">
          Loading …
        </p>
      )}
      {hasUsage && (
        <div class="figure" inert={isStale}>
          <Figure data={data} nameOf={nameOf} cents={isStale ? null : cents} isLoading={usage.isLoading} />
        </div>
      )}
    </>
  )
}

const fileName = ({ choice: { measure, grouping, interval }, end }: UsageData) =>
  `${measure}-by-${grouping}-and-${interval}-until-${new Date(end * 1000).toISOString().slice(0, 13)}.csv`

const NothingUsed = ({ mayWiden }: { mayWiden: boolean }) => (
  <Empty
    title="Nothing was used in this time"
    action={
      <a class="button" href={hrefOf('/my-keys')}>
        Go to My keys
      </a>
    }
  >
    Choose a longer time{mayWiden && ', or all projects'}. If no request was sent yet: make a key, and send one with it.
    What it used stands here some seconds later.
  </Empty>
)

interface FigureProps {
  data: UsageData
  nameOf: NameOf
  cents: number | null
  isLoading: boolean
}

function Figure({ data, nameOf, cents, isLoading }: FigureProps) {
  const stacks = useMemo(() => stacksOf(data), [data])
  const plot = useMemo(() => plotOf(data, stacks, cents), [data, stacks, cents])
  const { measure, grouping, interval } = data.choice
  const what = measures.find(({ value }) => value === measure)!.label
  const by = groupings.find(({ value }) => value === grouping)!.label.toLowerCase()
  return (
    <>
      <UsagePlot label={`Plot: ${what} by ${by} and ${interval}. The tables have its numbers.`} plot={plot} />
      <Legend stacks={stacks} nameOf={nameOf} lines={plot.lines.map(({ isDashed }) => isDashed)} />
      <div class="buttons">
        <button type="button" onClick={() => download(fileName(data), csvOf(data, nameOf))}>
          Download CSV
        </button>
      </div>
      <Sums data={data} nameOf={nameOf} isLoading={isLoading} />
      <Estimated data={data} />
      <h2 class="part">By {interval}</h2>
      <div class="times" role="region" aria-label={`Table by ${interval}`} tabIndex={0}>
        <Times data={data} stacks={stacks} nameOf={nameOf} isLoading={isLoading} />
      </div>
    </>
  )
}

/** What the colours mean. */
const Legend = ({ stacks, nameOf, lines }: { stacks: readonly Stack[]; nameOf: NameOf; lines: readonly boolean[] }) => (
  <ul class="legend" aria-label="Legend">
    {stacks.map(({ name, color }) => (
      <li key={color}>
        <span class="swatch" style={{ background: `var(--${color})` }} />
        {name(nameOf)}
      </li>
    ))}
    {lines.map((isBudget) => (
      <li key={String(isBudget)}>
        <span class={isBudget ? 'swatch budget-line' : 'swatch spent-line'} />
        {isBudget ? 'Budget of a month' : 'Spent in the month so far'}
      </li>
    ))}
  </ul>
)
