/**
 * The filters of the inventory of keys, as they stand in the address bar, and as the API takes
 * them. Times are relative there, so that a bookmark means the same tomorrow.
 */
import { DAY } from '../../time-spans.ts'

interface KeyQuery {
  limit?: number
  kinds?: ('project' | 'admin')[]
  project_ids?: string[]
  owner_ids?: string[]
  owner_type?: 'user' | 'service_account'
  owner_project_access?: 'active' | 'inactive'
  never_used?: boolean
  last_used_before?: number
  last_used_after?: number
  created_before?: number
  created_after?: number
  expires_before?: number
  never_expires?: boolean
  name?: string
  order_by?: 'created_at' | 'last_used_at' | 'expires_at'
  order?: 'asc' | 'desc'
}

export interface Choice {
  value: string
  label: string
  query: KeyQuery
}

const now = () => Math.floor(Date.now() / 1000)

/** The filters that are chosen from a list: the name of each in the address, and its choices. */
export const filters = {
  kind: {
    label: 'Kind',
    choices: (): Choice[] => [
      { value: '', label: 'All keys', query: { kinds: ['project', 'admin'] } },
      { value: 'project', label: 'Keys of projects', query: { kinds: ['project'] } },
      { value: 'admin', label: 'Admin keys', query: { kinds: ['admin'] } },
    ],
  },
  owner: {
    label: 'Owner',
    choices: (): Choice[] => [
      { value: '', label: 'Everybody', query: {} },
      { value: 'people', label: 'People', query: { owner_type: 'user' } },
      { value: 'service-accounts', label: 'Service accounts', query: { owner_type: 'service_account' } },
    ],
  },
  access: {
    label: 'Access of the owner',
    choices: (): Choice[] => [
      { value: '', label: 'Any', query: {} },
      { value: 'active', label: 'Has access', query: { owner_project_access: 'active' } },
      { value: 'left', label: 'Has lost access', query: { owner_project_access: 'inactive' } },
    ],
  },
  used: {
    label: 'Last used',
    choices: (): Choice[] => [
      { value: '', label: 'Any time', query: {} },
      { value: 'never', label: 'Never', query: { never_used: true } },
      { value: 'ever', label: 'At least once', query: { never_used: false } },
      { value: 'day', label: 'In the last 24 hours', query: { last_used_after: now() - DAY } },
      { value: 'not-30-days', label: 'Not for 30 days', query: { last_used_before: now() - 30 * DAY } },
      { value: 'not-90-days', label: 'Not for 90 days', query: { last_used_before: now() - 90 * DAY } },
    ],
  },
  created: {
    label: 'Created',
    choices: (): Choice[] => [
      { value: '', label: 'Any time', query: {} },
      { value: 'week', label: 'In the last 7 days', query: { created_after: now() - 7 * DAY } },
      { value: 'month', label: 'In the last 30 days', query: { created_after: now() - 30 * DAY } },
      { value: 'before-year', label: 'More than a year ago', query: { created_before: now() - 365 * DAY } },
    ],
  },
  expires: {
    label: 'Expires',
    choices: (): Choice[] => [
      { value: '', label: 'Any time', query: {} },
      { value: 'never', label: 'Never', query: { never_expires: true } },
      { value: 'ever', label: 'At some time', query: { never_expires: false } },
      { value: 'expired', label: 'Has expired', query: { expires_before: now() + 1 } },
      { value: '30-days', label: 'Within 30 days, or has expired', query: { expires_before: now() + 30 * DAY } },
    ],
  },
  sort: {
    label: 'Order',
    choices: (): Choice[] => [
      { value: '', label: 'As the filters suggest', query: {} },
      { value: 'newest', label: 'Newest first', query: { order_by: 'created_at', order: 'desc' } },
      { value: 'oldest', label: 'Oldest first', query: { order_by: 'created_at', order: 'asc' } },
      { value: 'used-last', label: 'Used most recently first', query: { order_by: 'last_used_at', order: 'desc' } },
      { value: 'used-first', label: 'Unused for longest first', query: { order_by: 'last_used_at', order: 'asc' } },
      { value: 'expires-first', label: 'Expires soonest first', query: { order_by: 'expires_at', order: 'asc' } },
      { value: 'expires-last', label: 'Expires last first', query: { order_by: 'expires_at', order: 'desc' } },
    ],
  },
} as const

type FilterName = keyof typeof filters
export const filterNames = Object.keys(filters) as FilterName[]

/**
 * What the API is asked for the filters in the address; a value that is no choice counts as none.
 */
export function queryFrom(address: URLSearchParams): KeyQuery {
  const chosen = filterNames.map((name) => {
    const value = address.get(name) ?? ''
    return filters[name].choices().find((choice) => choice.value === value)?.query
  })
  const [project_id, owner_id, name] = ['project_id', 'owner_id', 'name'].map((member) => address.get(member))
  return Object.assign(
    { limit: 30 },
    ...chosen,
    project_id && { project_ids: [project_id] },
    owner_id && { owner_ids: [owner_id] },
    name && { name },
  ) as KeyQuery
}

export type OrderedBy = NonNullable<KeyQuery['order_by']>

/**
 * The order of the list: the one that is asked for, or the one that the API has for the filters.
 */
export function orderOf(query: KeyQuery): { by: OrderedBy; order: 'asc' | 'desc' } {
  const { last_used_before, last_used_after, never_used, expires_before, never_expires, order = 'desc' } = query
  const isAsked = (...filters: unknown[]) => filters.some((filter) => filter !== undefined)
  const suggested = isAsked(last_used_before, last_used_after, never_used)
    ? 'last_used_at'
    : isAsked(expires_before, never_expires)
      ? 'expires_at'
      : 'created_at'
  return { by: query.order_by ?? suggested, order }
}

/**
 * What the address says after a click on the heading of a column: the opposite order if the list is
 * sorted by it, else the one that is looked for most.
 */
export function sortAfter(query: KeyQuery, by: OrderedBy): string {
  const now = orderOf(query)
  const first = by === 'expires_at' ? 'asc' : 'desc'
  const order = now.by !== by ? first : now.order === 'asc' ? 'desc' : 'asc'
  return filters.sort.choices().find(({ query }) => query.order_by === by && query.order === order)!.value
}
