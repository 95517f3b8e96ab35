/**
 * Asks the reports, and sums up what they answer by bucket and group. Money is summed up in whole
 * nano-dollars, so that nothing is lost.
 */
import { DAY, HOUR } from '../../time-spans.ts'
import { organization } from '../../use-calls.ts'
import type { RequestOptions } from '../../../client/index.ts'
import { filtersOf, type Filter, type Scope } from './usage-scope.ts'
import { bucketOf, kindsOf, timesOf, type Choice, type Grouping, type Kind } from './usage-choices.ts'

export interface Counts {
  input: number
  /** Of the input, what was in the cache. */
  cached: number
  output: number
  requests: number
  nanoDollars: number
}

export interface UsageGroup {
  /** Empty where the reports name none. */
  id: string
  /** The project of a key or of its owner, by which their names are found. */
  project_id: string
  sum: Counts
  /** By the place of the bucket. */
  buckets: Counts[]
}

export interface UsageData {
  choice: Choice
  starts: readonly number[]
  end: number
  /** Those with the most first. */
  groups: UsageGroup[]
  /** What no upstream reported, of all groups. */
  estimated: Counts
  /** What was spent in the month of the first bucket before it, in nano-dollars. */
  before: number
}

const NANO = 1_000_000_000

/** What is plotted: tokens, requests or dollars. */
export function amountOf({ input, output, requests, nanoDollars }: Counts, measure: Choice['measure']): number {
  if (measure === 'tokens') return input + output
  return measure === 'requests' ? requests : nanoDollars / NANO
}

export const none = (): Counts => ({ input: 0, cached: 0, output: 0, requests: 0, nanoDollars: 0 })

export function add(sum: Counts, more: Counts) {
  for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += more[name]
}

interface Result {
  input_tokens?: number
  input_cached_tokens?: number
  output_tokens?: number
  num_model_requests?: number
  amount?: { value?: number }
  project_id?: string | null
  user_id?: string | null
  api_key_id?: string | null
  model?: string | null
  line_item?: string | null
  estimated?: boolean
}

interface ReportPage {
  data: { start_time: number; results: unknown[] }[]
  next_page: string | null
}

/** What each report is asked. */
interface Asked extends Filter {
  start_time: number
  end_time: number
  bucket_width: '1h' | '1d'
  limit: number
}

/** Of a key and a person also the project, because their names are found in it. */
const groupsOf = {
  project: ['project_id'],
  person: ['user_id', 'project_id'],
  key: ['api_key_id', 'project_id'],
  model: ['model'],
} as const satisfies Record<Grouping, readonly string[]>

/** The most buckets that one answer has. */
const most = { '1h': 168, '1d': 31 }
const MOST_DAYS_OF_COSTS = 180

/** Asks for everything that is chosen, at once where that takes several answers. */
export async function askForUsage(choice: Choice, scope: Scope, options: RequestOptions): Promise<UsageData> {
  const { starts, end } = timesOf(choice, Math.floor(Date.now() / 1000))
  const isCost = choice.measure === 'cost'
  const width = choice.interval === 'hour' ? '1h' : '1d'
  const limit = isCost && width === '1d' ? MOST_DAYS_OF_COSTS : most[width]
  // The line of the budget needs the month from its begin, of which days are enough.
  const before = isCost ? ranges(bucketOf(starts[0]!, 'month'), starts[0]!, '1d', most['1d']) : []
  const asked = [...before, ...ranges(starts[0]!, end, width, limit)].flatMap((range) =>
    filtersOf(choice, scope).map((filter): Asked => ({ ...range, ...filter })),
  )
  const kinds = choice.kind ? [choice.kind] : kindsOf(choice.measure).map(({ value }) => value)
  const answers = await Promise.all(
    asked.flatMap((one) =>
      isCost ? [costs(choice, one, options)] : kinds.map((kind) => usage(choice, kind, one, options)),
    ),
  )
  return summedUp(choice, { starts, end }, answers.flat())
}

/** A range of time in parts, each of which is one answer. */
function ranges(from: number, to: number, bucket_width: Asked['bucket_width'], limit: number) {
  const seconds = limit * (bucket_width === '1h' ? HOUR : DAY)
  const parts: Omit<Asked, keyof Filter>[] = []
  for (let at = from; at < to; at += seconds)
    parts.push({ start_time: at, end_time: Math.min(at + seconds, to), bucket_width, limit })
  return parts
}

function costs({ grouping }: Choice, asked: Asked, options: RequestOptions) {
  const group_by = grouping === 'model' ? (['line_item'] as const) : groupsOf[grouping]
  return allPages((page) =>
    organization.usage.costs({ ...asked, ...page, group_by: [...group_by, 'estimated'] }, options),
  )
}

function usage({ grouping }: Choice, kind: Kind, asked: Asked, options: RequestOptions) {
  const group_by = [...groupsOf[grouping], 'estimated' as const]
  return allPages((page) => organization.usage[kind]({ ...asked, ...page, group_by }, options))
}

async function allPages(ask: (page: { page?: string }) => PromiseLike<ReportPage>) {
  const data: ReportPage['data'] = []
  for (let page: string | null = ''; page !== null;) {
    const answer: ReportPage = await ask(page ? { page } : {})
    data.push(...answer.data)
    page = answer.next_page
  }
  return data
}

function summedUp(choice: Choice, { starts, end }: Pick<UsageData, 'starts' | 'end'>, data: ReportPage['data']) {
  const places = new Map(starts.map((start, place) => [start, place]))
  const groups = new Map<string, UsageGroup>()
  const estimated = none()
  let before = 0
  for (const { start_time, results } of data) {
    const place = places.get(bucketOf(start_time, choice.interval))
    for (const result of results as Result[]) {
      const counts = countsOf(result)
      if (place === undefined) {
        before += counts.nanoDollars
        continue
      }
      if (result.estimated) add(estimated, counts)
      const id = idOf(result, choice.grouping)
      let group = groups.get(id)
      if (!group)
        groups.set(id, (group = { id, project_id: result.project_id ?? '', sum: none(), buckets: starts.map(none) }))
      add(group.sum, counts)
      add(group.buckets[place]!, counts)
    }
  }
  const used = [...groups.values()].filter(({ sum }) => Object.values(sum).some((count) => count > 0))
  const amount = ({ sum }: UsageGroup) => amountOf(sum, choice.measure)
  const sorted = used.toSorted((one, other) => amount(other) - amount(one))
  return { choice, starts, end, before, estimated, groups: sorted }
}

const countsOf = (result: Result): Counts => ({
  input: result.input_tokens ?? 0,
  cached: result.input_cached_tokens ?? 0,
  output: result.output_tokens ?? 0,
  requests: result.num_model_requests ?? 0,
  nanoDollars: Math.round((result.amount?.value ?? 0) * NANO),
})

function idOf(result: Result, grouping: Grouping): string {
  if (grouping === 'project') return result.project_id ?? ''
  if (grouping === 'person') return result.user_id ?? ''
  if (grouping === 'key') return result.api_key_id ?? ''
  // A line item is named by its model and what was paid for.
  return result.model ?? result.line_item?.replace(/, [^,]*$/, '') ?? ''
}
