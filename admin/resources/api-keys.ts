import { apiKeys } from '../../contract/api-keys.ts'
import { UnknownCursor } from '../../database/storage-errors.ts'
import { readPage, type Cursor, type Order, type Range } from '../../database/pager.ts'
import type { Sql } from '../../database/types.ts'
import { containing, roundedUp, spread, statement } from '../../database/statement.ts'
import type { KeyTable } from '../../keys/key-mac.ts'
import { handlers, type Call } from '../call.ts'
import {
  areFew,
  columnOf,
  needsSort,
  type KeyStream,
  looksOf,
  read,
  type Asked,
  type By,
  type KeyRow,
  type Place,
  type Prefix,
} from '../shared/key-scan.ts'
import { presentAdminKey } from '../shared/admin-key-rows.ts'
import { presentKey } from '../shared/project-key-rows.ts'

export default handlers(apiKeys, {
  async list(call) {
    const walk = await planned(call)
    const { by } = walk
    const list = {
      read: (range: Range) => readBetween(call, walk, range),
      idOf: (row: KeyRow) => row.id,
      cursorOf: (row: KeyRow) => cursorAt(by, placeIn(by, row)),
    }
    return readPage(list, call.query, present)
  },
})

const present = (row: KeyRow) =>
  'project_id' in row
    ? { ...presentKey(row), project_id: row.project_id }
    : { ...presentAdminKey(row), owner_project_access: row.is_owner ? ('active' as const) : ('inactive' as const) }

type Walk = Awaited<ReturnType<typeof planned>>

/** Reads all streams, and shows only keys up to the place that every stream has reached. */
async function readBetween(call: Call<typeof apiKeys.list>, walk: Walk, range: Range) {
  const { by, lowest, highest, streams } = walk
  const { order, limit } = range
  const inOrder = (one: Place, other: Place) => compare(order, one, other)
  const [first, last] = order === 'asc' ? [lowest, highest] : [highest, lowest]
  const start = range.start ? later(inOrder, await placeOf(call, by, range.start), first) : first
  const end = range.end ? later((one, other) => inOrder(other, one), await placeOf(call, by, range.end), last) : last
  const looks = looksOf(streams.length)
  const parts = await Promise.all(
    streams.map((stream) => read(call.db, { ...walk, ...stream, order, start, end }, limit, looks)),
  )
  const [upTo] = parts.flatMap((part) => part.upTo ?? []).toSorted(inOrder)
  const rows = parts
    .flatMap((part) => part.rows)
    .filter((row) => (!upTo || inOrder(placeIn(by, row), upTo) <= 0) && inOrder(placeIn(by, row), end) < 0)
    .toSorted((one, other) => inOrder(placeIn(by, one), placeIn(by, other)))
  return { rows: rows.slice(0, limit), resumeAt: upTo && cursorAt(by, upTo) }
}

const later = (inOrder: (one: Place, other: Place) => number, one: Place, other: Place) =>
  inOrder(one, other) > 0 ? one : other

const placeIn = (by: By, row: Omit<Place, 'place'> & { last_used_sort: number; expires_sort: number }): Place => ({
  place: row[columnOf[by]],
  created_at: row.created_at,
  id: row.id,
})

function compare(order: Order, one: Place, other: Place): number {
  const ids = one.id === other.id ? 0 : one.id < other.id ? -1 : 1
  const difference = one.place - other.place || one.created_at - other.created_at || ids
  return order === 'asc' ? difference : -difference
}

/** Later than any time, and later than `never`. */
const END = Number.MAX_SAFE_INTEGER
const NEVER_USED = 0
const NEVER_EXPIRES = 9_999_999_999_999

type Query = Call<typeof apiKeys.list>['query']

/**
 * Plans how a list is read: the keys of projects as one stream, or as one for each value of a
 * filter that has an index; admin keys as one.
 */
async function planned(call: Call<typeof apiKeys.list>) {
  const { organization_id, query } = call
  const { kinds = ['project'], owner_type, project_ids, owner_ids } = query
  const ranges = rangesOf(query)
  const by = timeOf(query, ranges)
  const { created_at: created, last_used_at: used, expires_at: expires } = ranges
  return {
    by,
    streams: [
      ...(kinds.includes('project') ? await projectStreams(call, ranges, by) : []),
      ...(kinds.includes('admin') ? adminStreams(query, ranges, by) : []),
    ],
    lowest: { place: ranges[by].after, created_at: END, id: '~' },
    highest: { place: ranges[by].before, created_at: -1, id: '' },
    values: {
      organization_id,
      owner_type,
      ...spread('project', project_ids ?? []),
      ...spread('owner', owner_ids ?? []),
      name: containing(query.name ?? ''),
      created_after: created.after,
      created_before: created.before,
      used_after: used.after,
      used_before: used.before,
      expires_after: expires.after,
      expires_before: expires.before,
    },
  }
}

async function projectStreams({ db, organization_id, query }: Call<typeof apiKeys.list>, ranges: Ranges, by: By) {
  const { owner_type, project_ids, owner_ids } = query
  const byFilter = indexedFilter(query, by)
  const isUsable = !needsSort(by, byFilter[0]) || (await areFew(db, organization_id, ...byFilter))
  const [prefix, values] = isUsable ? byFilter : allKeys
  const asked: (Asked | null)[] = [
    ...askedOfAll(query, ranges, by, prefix),
    owner_type && prefix !== 'owner_type' ? { filter: 'owner_type' } : null,
    project_ids && prefix !== 'project_id' ? { filter: 'project_ids', size: roundedUp(project_ids.length) } : null,
    owner_ids && prefix !== 'owner_id' ? { filter: 'owner_ids', size: roundedUp(owner_ids.length) } : null,
  ]
  const others = asked.filter((one) => one !== null)
  return [...new Set(values)].map((value): KeyStream => ({ table: 'api_keys', prefix, value, others }))
}

/** None if a filter excludes all admin keys: they are in no project, and people own them. */
function adminStreams(query: Query, ranges: Ranges, by: By): KeyStream[] {
  const { owner_type, project_ids, owner_ids, never_used } = query
  if (project_ids || owner_type === 'service_account') return []
  const [prefix, [value]] = never_used && by === 'created_at' ? neverUsed : allKeys
  const asked: (Asked | null)[] = [
    ...askedOfAll(query, ranges, by, prefix),
    owner_ids ? { filter: 'owner_ids', size: roundedUp(owner_ids.length) } : null,
  ]
  return [{ table: 'admin_api_keys', prefix, value: value!, others: asked.filter((one) => one !== null) }]
}

/** The filters that keys of both kinds have and that no index serves here. */
function askedOfAll(query: Query, ranges: Ranges, by: By, prefix: Prefix): (Asked | null)[] {
  const { name, owner_project_access: access = 'any' } = query
  const used = ranges.last_used_at
  // For keys that were never used, the filters by time of use need not be applied, unless they
  // contradict that.
  const isFound = (one: By) =>
    one === by || (one === 'last_used_at' && prefix === 'last_used_sort' && used.after < NEVER_USED && used.before > 0)
  return [
    times.some((one) => isLimited(ranges[one]) && !isFound(one)) ? { filter: 'times' } : null,
    name === undefined ? null : { filter: 'name' },
    access === 'any' ? null : { filter: access },
  ]
}

const times = ['created_at', 'last_used_at', 'expires_at'] as const
type Ranges = { [Time in By]: { after: number; before: number } }

/** The bounds of the times of the keys, both exclusive. */
function rangesOf({ never_used, last_used_after = -1, last_used_before = END, ...query }: Query): Ranges {
  const { created_after = -1, created_before = END, expires_before = END, never_expires } = query
  return {
    created_at: { after: created_after, before: created_before },
    last_used_at: {
      after: never_used === false ? Math.max(last_used_after, NEVER_USED) : last_used_after,
      before: never_used ? Math.min(last_used_before, NEVER_USED + 1) : last_used_before,
    },
    expires_at: {
      after: never_expires ? NEVER_EXPIRES - 1 : -1,
      before: never_expires === false || expires_before < END ? Math.min(expires_before, NEVER_EXPIRES) : END,
    },
  }
}

const isLimited = ({ after, before }: Ranges[By]) => after > -1 || before < END

/**
 * The time of the order. Keys that were never used all have the same last use: their order by it is
 * that by creation.
 */
function timeOf({ order_by, never_used }: Query, { last_used_at, expires_at }: Ranges): By {
  const by =
    order_by ?? (isLimited(last_used_at) ? 'last_used_at' : isLimited(expires_at) ? 'expires_at' : 'created_at')
  return never_used && by === 'last_used_at' ? 'created_at' : by
}

type PrefixValues = [Prefix, readonly (string | number)[]]

const allKeys: PrefixValues = ['', ['']]
const neverUsed: PrefixValues = ['last_used_sort', [NEVER_USED]]

/** The filter of keys of projects that an index serves, and its values; without one, all keys. */
function indexedFilter({ owner_ids, project_ids, owner_type, never_used }: Query, by: By): PrefixValues {
  if (owner_ids) return ['owner_id', owner_ids]
  if (project_ids) return ['project_id', project_ids]
  if (by === 'created_at' && never_used) return neverUsed
  if (by === 'created_at' && owner_type) return ['owner_type', [owner_type]]
  return allKeys
}

/**
 * A cursor in an order whose times can change also holds the time: `key_…@1700000000`, or
 * `key_…@never`.
 */
const cursorAt = (by: By, { place, id }: Place) => {
  if (by === 'created_at') return id
  return `${id}@${place === NEVER_USED || place === NEVER_EXPIRES ? 'never' : place}`
}

/**
 * The place that a cursor names, or that its key has now. Throws 404 for a key that the
 * organization never had.
 */
async function placeOf(
  { db, organization_id }: Call<typeof apiKeys.list>,
  by: By,
  { id: cursor, param }: Cursor,
): Promise<Place> {
  const [, id = cursor, place] = /^(\w+)@(\d{1,13}|never)$/.exec(cursor) ?? []
  const found = (table: KeyTable) => selectKey(db, { organization_id, id }, { table })
  const row = (await found('api_keys'))[0] ?? (await found('admin_api_keys'))[0]
  if (!row) throw new UnknownCursor(cursor, param)
  if (by === 'created_at' || place === undefined) return placeIn(by, row)
  const never = by === 'last_used_at' ? NEVER_USED : NEVER_EXPIRES
  return { ...placeIn(by, row), place: place === 'never' ? never : Number(place) }
}

const selectKey = statement(
  (sql: Sql, params: { organization_id: string; id: string }, { table }: { table: KeyTable }) =>
    sql
      .selectFrom(`${table} as item` as 'api_keys as item')
      .select(['item.last_used_sort', 'item.expires_sort', 'item.created_at', 'item.id'])
      .where('item.organization_id', '=', params.organization_id)
      .where('item.id', '=', params.id),
)
