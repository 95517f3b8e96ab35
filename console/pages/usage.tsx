/** What was used and what it cost, by project, person, key and model, and the budget. */
import { useMemo } from 'preact/hooks'
import type { PageProps } from '../pages.ts'
import { Waiting } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { hrefOf, place } from '../place.ts'
import { can } from '../session.ts'
import { useProjectNames } from '../project-names.ts'
import { useAnswer } from '../use-calls.ts'
import { SpendSection, useBudget } from './usage/spend-section.tsx'
import { choiceFrom, groupings, measures, type Choice } from './usage/usage-choices.ts'
import { csvOf, download } from './usage/usage-csv.ts'
import { plotOf, stacksOf, type Stack } from './usage/usage-figure.ts'
import { UsageFilters } from './usage/usage-filters.tsx'
import { useNames, type NameOf } from './usage/usage-names.ts'
import { UsagePlot } from './usage/usage-plot.tsx'
import { askForUsage, type UsageData } from './usage/usage-reports.ts'
import { Sums, Times } from './usage/usage-tables.tsx'

export default function Usage({ me }: PageProps) {
  const choice = choiceFrom(place.value.query)
  const mayRead = can(me, 'api.management.read')
  const usage = useAnswer((options) => askForUsage(choice, options), Object.values(choice))
  const asked = useBudget(choice.project_id, mayRead)
  // That of another project must not stand under the name of this one.
  const budget = asked.isCurrent ? asked : { ...asked, answer: undefined }
  const among = mayRead ? undefined : me.projects
  const named = usage.answer?.choice.grouping === 'project' ? usage.answer.groups.map(({ id }) => id) : []
  const projects = useProjectNames(mayRead ? [choice.project_id ?? '', ...named] : [], among)
  const nameOf = useNames(usage.answer, projects)
  const { answer: data } = usage
  const hasUsage = data !== undefined && data.groups.length > 0
  return (
    <Page
      title="Usage and spend"
      about="What went through the gateway. Days and months are those of UTC."
      actions={
        <button type="button" disabled={!hasUsage} onClick={() => download(fileName(data!), csvOf(data!, nameOf))}>
          Download CSV
        </button>
      }
    >
      <UsageFilters choice={choice} among={among} />
      <Problem problem={usage.problem} retry={usage.reload} />
      {!data && usage.isLoading && <Waiting />}
      {data && !hasUsage && <NothingUsed choice={choice} />}
      {hasUsage && (
        <Figure data={data} nameOf={nameOf} cents={budget.answer?.cents ?? null} isLoading={usage.isLoading} />
      )}
      {mayRead && (
        <SpendSection
          project_id={choice.project_id}
          name={
            choice.project_id === null ? 'the organization' : (projects.get(choice.project_id) ?? choice.project_id)
          }
          budget={budget}
          mayChange={can(me, 'api.management.write')}
        />
      )}
    </Page>
  )
}

const fileName = ({ choice: { measure, grouping, interval }, end }: UsageData) =>
  `${measure}-by-${grouping}-and-${interval}-until-${new Date(end * 1000).toISOString().slice(0, 13)}.csv`

const NothingUsed = ({ choice: { project_id } }: { choice: Choice }) => (
  <Empty
    title="Nothing was used in this time"
    action={
      <a class="button" href={hrefOf('/my-keys')}>
        Go to My keys
      </a>
    }
  >
    Choose a longer time{project_id !== null && ', or all projects'}. If no request was sent yet: make a key, and send
    one with it. What it used stands here some seconds later.
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
      <Sums data={data} nameOf={nameOf} isLoading={isLoading} />
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
