/** What the plot and the table of times show: the groups with the most, the others as one. */
import { bucketOf } from './usage-choices.ts'
import type { NameOf } from './usage-names.ts'
import type { PlotData } from './usage-plot.tsx'
import { add, amountOf, none, type Counts, type UsageData } from './usage-reports.ts'

export interface Stack {
  name: (nameOf: NameOf) => string
  /** The name of its colour in the style sheet. */
  color: string
  sum: Counts
  buckets: readonly Counts[]
}

/** As many as there are colours. */
const MOST_STACKS = 7

export function stacksOf({ groups, starts }: UsageData): Stack[] {
  const own = groups.length > MOST_STACKS + 1 ? groups.slice(0, MOST_STACKS) : groups
  const others = groups.slice(own.length)
  const stacks: Stack[] = own.map((group, place) => ({
    name: (nameOf) => nameOf(group),
    color: `series-${place + 1}`,
    ...group,
  }))
  if (others.length === 0) return stacks
  const rest = { sum: none(), buckets: starts.map(none) }
  for (const { sum, buckets } of others) {
    add(rest.sum, sum)
    for (const [place, counts] of buckets.entries()) add(rest.buckets[place]!, counts)
  }
  return [...stacks, { name: () => `${others.length} others`, color: 'series-8', ...rest }]
}

const count = new Intl.NumberFormat(undefined)
const money = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 9,
})
const shortCount = new Intl.NumberFormat(undefined, { notation: 'compact' })
const shortMoney = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  notation: 'compact',
  minimumFractionDigits: 0,
  maximumSignificantDigits: 3,
})

/** An amount as exactly as it is known. */
export const exact = (value: number, measure: UsageData['choice']['measure']) =>
  (measure === 'cost' ? money : count).format(value)

/**
 * `cents` is the budget of a month, null where there is none. Over hours and days it stands beside
 * what was spent in the month so far.
 */
export function plotOf(data: UsageData, stacks: readonly Stack[], cents: number | null): PlotData {
  const { measure, interval } = data.choice
  const hasBudget = measure === 'cost' && cents !== null
  const isMonthly = interval === 'month'
  const budget = { color: 'danger', isDashed: true, values: data.starts.map(() => (cents ?? 0) / 100) }
  const soFar = { color: 'text', isDashed: false, values: spentSoFar(data) }
  return {
    interval,
    starts: data.starts,
    bars: stacks.map(({ color, buckets }) => ({ color, values: buckets.map((counts) => amountOf(counts, measure)) })),
    lines: hasBudget ? (isMonthly ? [budget] : [soFar, budget]) : [],
    hasSecondScale: hasBudget && !isMonthly,
    format: (value) => (measure === 'cost' ? shortMoney : shortCount).format(value),
  }
}

/** What was spent in the month of each hour or day up to its end. */
function spentSoFar({ starts, groups, before, choice: { measure } }: UsageData): number[] {
  let month = bucketOf(starts[0]!, 'month')
  let sum = { ...none(), nanoDollars: before }
  return starts.map((start, place) => {
    if (bucketOf(start, 'month') !== month) {
      month = bucketOf(start, 'month')
      sum = none()
    }
    for (const { buckets } of groups) add(sum, buckets[place]!)
    return amountOf(sum, measure)
  })
}
