/**
 * What the page of usage shows, as it stands in the address bar. Times are relative there, so that
 * a bookmark means the same tomorrow.
 */
import { DAY, HOUR } from '../../time-spans.ts'
import { isOnlyOwn, onlyProject, type Scope } from './usage-scope.ts'

export const measures = [
  { value: 'tokens', label: 'Tokens' },
  { value: 'requests', label: 'Requests' },
  { value: 'cost', label: 'Cost' },
] as const
type Measure = (typeof measures)[number]['value']

export const groupings = [
  { value: 'project', label: 'Project' },
  { value: 'person', label: 'Person' },
  { value: 'key', label: 'Key' },
  { value: 'model', label: 'Model' },
] as const
export type Grouping = (typeof groupings)[number]['value']

export const intervals = [
  { value: 'hour', label: 'Hours' },
  { value: 'day', label: 'Days' },
  { value: 'month', label: 'Months' },
] as const
export type Interval = (typeof intervals)[number]['value']

/** How far back; the first is the default. */
export const periods = {
  hour: [
    { value: '24-hours', label: '24 hours', buckets: 24 },
    { value: '48-hours', label: '48 hours', buckets: 48 },
    { value: '7-days', label: '7 days', buckets: 168 },
  ],
  day: [
    { value: '30-days', label: '30 days', buckets: 30 },
    { value: '7-days', label: '7 days', buckets: 7 },
    { value: '90-days', label: '90 days', buckets: 90 },
  ],
  month: [
    { value: '6-months', label: '6 months', buckets: 6 },
    { value: '12-months', label: '12 months', buckets: 12 },
  ],
} as const satisfies Record<Interval, readonly { value: string; label: string; buckets: number }[]>

/** The reports that count tokens or requests. */
export const kinds = [
  { value: 'completions', label: 'Completions and responses', hasTokens: true },
  { value: 'decisions', label: 'Decisions', hasTokens: true },
  { value: 'embeddings', label: 'Embeddings', hasTokens: true },
  { value: 'moderations', label: 'Moderations', hasTokens: true },
  { value: 'images', label: 'Images', hasTokens: false },
  { value: 'audioSpeeches', label: 'Speech', hasTokens: false },
  { value: 'audioTranscriptions', label: 'Transcriptions', hasTokens: false },
] as const
export type Kind = (typeof kinds)[number]['value']

export interface Choice {
  measure: Measure
  grouping: Grouping
  interval: Interval
  period: string
  /** How many hours, days or months are shown; the last one is the present one. */
  buckets: number
  /** Null for all of them. */
  kind: Kind | null
  project_id: string | null
  /** Only what the person who is signed in used. */
  isOwn: boolean
}

const chosenFrom = <Option extends { value: string }>(options: readonly Option[], value: string | null): Option =>
  options.find((option) => option.value === value) ?? options[0]!

/** The kinds that count what is measured. Costs have no kinds. */
export const kindsOf = (measure: Measure) =>
  measure === 'cost' ? [] : kinds.filter(({ hasTokens }) => hasTokens || measure === 'requests')

/** Within one project nobody compares projects, and alone nobody compares people. */
export const groupingsOf = ({ fixed }: Scope, isOwn: boolean) =>
  groupings.filter(({ value }) => !(value === 'project' && fixed !== null) && !(value === 'person' && isOwn))

/** A value that is no choice counts as none. */
export function choiceFrom(address: URLSearchParams, scope: Scope): Choice {
  const isOwn = isOnlyOwn(scope) || address.get('whose') === 'me'
  const measure = chosenFrom(measures, address.get('measure')).value
  const interval = intervals.find(({ value }) => value === address.get('interval'))?.value ?? 'day'
  const { value: period, buckets } = chosenFrom<{ value: string; buckets: number }>(
    periods[interval],
    address.get('period'),
  )
  return {
    measure,
    grouping: chosenFrom(groupingsOf(scope, isOwn), address.get('group_by')).value,
    interval,
    period,
    buckets,
    kind: kindsOf(measure).find(({ value }) => value === address.get('kind'))?.value ?? null,
    project_id: projectFrom(address, scope, isOwn),
    isOwn,
  }
}

/** An address that somebody else sent may name a project whose usage this person may not see. */
function projectFrom(address: URLSearchParams, scope: Scope, isOwn: boolean): string | null {
  const only = onlyProject(scope, isOwn)
  const asked = address.get('project_id') || null
  if (only !== null || asked === null) return only
  return isOwn || scope.project_ids === null || scope.project_ids.includes(asked) ? asked : null
}

/** When the hour, day or month of a moment begins, in UTC as in the reports. */
export function bucketOf(at: number, interval: Interval): number {
  if (interval !== 'month') return at - (at % (interval === 'hour' ? HOUR : DAY))
  const date = new Date(at * 1000)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) / 1000
}

/** When the bucket begins that is some buckets after the one of a moment. */
function shifted(at: number, interval: Interval, by: number): number {
  if (interval !== 'month') return bucketOf(at, interval) + by * (interval === 'hour' ? HOUR : DAY)
  const date = new Date(at * 1000)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + by) / 1000
}

/** Where each bucket begins, and where the last one ends. */
export function timesOf({ interval, buckets }: Choice, now: number) {
  const starts = Array.from({ length: buckets }, (_, place) => shifted(now, interval, place + 1 - buckets))
  return { starts, end: shifted(now, interval, 1) }
}
