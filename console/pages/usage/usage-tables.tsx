/** The numbers of the plot: the sums of all groups, and each hour, day or month. */
import { useState } from 'preact/hooks'
import { DataTable, listOf, type Column } from '../../parts/data-table.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { intervals, groupings, type Interval } from './usage-choices.ts'
import { exact, type Stack } from './usage-figure.ts'
import type { NameOf } from './usage-names.ts'
import { add, amountOf, none, type Counts, type UsageData } from './usage-reports.ts'

interface Props {
  data: UsageData
  stacks: readonly Stack[]
  nameOf: NameOf
  isLoading: boolean
}

interface Row {
  id: string
  name: string
  sum: Counts
}

const MOST_ROWS = 50

export function Sums({ data: { choice, groups }, nameOf, isLoading }: Omit<Props, 'stacks'>) {
  const [shown, setShown] = useState(MOST_ROWS)
  const total = none()
  for (const { sum } of groups) add(total, sum)
  const rows = groups.map((group): Row => ({ id: `of ${group.id}`, name: nameOf(group), sum: group.sum }))
  const more = rows.length > shown ? () => setShown(shown + MOST_ROWS) : undefined
  const { label } = groupings.find(({ value }) => value === choice.grouping)!
  return (
    <DataTable
      caption="Sums"
      list={listOf([{ id: 'all', name: 'All', sum: total }, ...rows.slice(0, shown)], { isLoading, more })}
      keyOf={({ id }: Row) => id}
      columns={[{ title: label, cell: ({ name }) => name }, ...numbersOf(choice.measure)]}
      empty={null}
    />
  )
}

/** How much of what is shown no upstream reported; nothing where all of it was. */
export function Estimated({ data: { choice, estimated } }: Pick<Props, 'data'>) {
  const { measure } = choice
  const amount = amountOf(estimated, measure)
  if (amount === 0) return null
  const number = exact(amount, measure)
  const isOne = amount === 1
  const sentences = {
    tokens: `Of this, ${number} ${isOne ? 'token is' : 'tokens are'} estimated: no upstream reported ${isOne ? 'it' : 'them'}.`,
    requests: `The usage of ${number} of these requests is estimated: no upstream reported it.`,
    cost: `Of this, ${number} is estimated: no upstream reported the usage.`,
  }
  return <p class="hint">{sentences[measure]}</p>
}

function numbersOf(measure: UsageData['choice']['measure']): Column<Row>[] {
  const column = (title: string, valueOf: (sum: Counts) => number): Column<Row> => ({
    title,
    isNumber: true,
    cell: ({ sum }) => exact(valueOf(sum), measure),
  })
  if (measure === 'cost') return [column('Cost', (sum) => amountOf(sum, measure))]
  const requests = column('Requests', (sum) => sum.requests)
  if (measure === 'requests') return [requests]
  return [
    column('Input tokens', ({ input }) => input),
    column('Of these from the cache', ({ cached }) => cached),
    column('Output tokens', ({ output }) => output),
    column('Tokens', (sum) => amountOf(sum, measure)),
    requests,
  ]
}

interface Time {
  start: number
  counts: readonly Counts[]
}

/** Those in which nothing was used are left out. */
export function Times({ data: { choice, starts, groups }, stacks, nameOf, isLoading }: Props) {
  const { measure, interval } = choice
  const rows = starts
    .map((start, place) => ({ start, counts: groups.map(({ buckets }) => buckets[place]!), place }))
    .filter(({ counts }) => counts.some((one) => amountOf(one, measure) > 0))
  const title = intervals.find(({ value }) => value === interval)!.label.slice(0, -1)
  return (
    <DataTable
      caption={`By ${interval}`}
      list={listOf(rows, { isLoading })}
      keyOf={({ start }) => String(start)}
      columns={[
        { title, cell: ({ start }: Time & { place: number }) => <Begin at={start} interval={interval} /> },
        ...stacks.map(({ name, buckets }) => ({
          title: name(nameOf),
          isNumber: true,
          cell: ({ place }: { place: number }) => exact(amountOf(buckets[place]!, measure), measure),
        })),
        { title: 'All', isNumber: true, cell: ({ counts }) => exact(amountOf(summed(counts), measure), measure) },
      ]}
      empty={null}
    />
  )
}

function summed(counts: readonly Counts[]) {
  const sum = none()
  for (const one of counts) add(sum, one)
  return sum
}

const dates = {
  day: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' }),
  month: new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' }),
}

/** Days and months are those of UTC, so they are named as they are there. */
function Begin({ at, interval }: { at: number; interval: Interval }) {
  if (interval === 'hour') return <DateTime at={at} />
  const date = new Date(at * 1000)
  return <time dateTime={date.toISOString().slice(0, interval === 'day' ? 10 : 7)}>{dates[interval].format(date)}</time>
}
