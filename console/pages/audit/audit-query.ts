/** The filters of the audit log, as they stand in the address bar, and what the API is asked. */
import { DAY, HOUR } from '../../time-spans.ts'
import { eventChoices } from './words.ts'

/** Counted from now, so that a bookmark means the same tomorrow. */
export const periods = [
  { value: '', label: 'Any time', seconds: null },
  { value: 'hour', label: 'The last hour', seconds: HOUR },
  { value: 'day', label: 'The last 24 hours', seconds: DAY },
  { value: 'week', label: 'The last 7 days', seconds: 7 * DAY },
  { value: 'month', label: 'The last 30 days', seconds: 30 * DAY },
]

export const filterNames = ['event', 'who', 'project_id', 'resource', 'period', 'from', 'until'] as const

/** What the API is asked for; a value that is no choice counts as none. */
export function queryFrom(address: URLSearchParams) {
  const of = (name: (typeof filterNames)[number]) => address.get(name) ?? ''
  const types = eventChoices.find(({ value }) => value === of('event'))?.types
  const people = listed(of('who'))
  const emails = people.filter((one) => one.includes('@'))
  const ids = people.filter((one) => !one.includes('@'))
  const resources = listed(of('resource'))
  const seconds = periods.find(({ value }) => value === of('period'))?.seconds
  const since = secondsOf(of('from')) ?? (seconds ? Math.floor(Date.now() / 1000) - seconds : null)
  const until = secondsOf(of('until'))
  return {
    limit: 50,
    ...(types && { event_types: types }),
    ...(emails.length > 0 && { actor_emails: emails }),
    ...(ids.length > 0 && { actor_ids: ids }),
    ...(of('project_id') && { project_ids: [of('project_id')] }),
    ...(resources.length > 0 && { resource_ids: resources }),
    ...((since !== null || until !== null) && {
      effective_at: { ...(since !== null && { gte: since }), ...(until !== null && { lt: until }) },
    }),
  }
}

const listed = (text: string) => text.split(/[\s,]+/).filter(Boolean)

function secondsOf(text: string): number | null {
  const time = Date.parse(text)
  return Number.isNaN(time) ? null : Math.floor(time / 1000)
}

/**
 * Of a field with a local time, as the address has it: in UTC, so that it means the same elsewhere.
 */
export function toAddress(local: string): string {
  const date = new Date(local)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

/** The other way round; empty for what is no time. */
export function toField(text: string | null): string {
  const date = new Date(text ?? '')
  if (Number.isNaN(date.getTime())) return ''
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}
