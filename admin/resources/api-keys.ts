import { apiKeys } from '../../contract/api-keys.ts'
import { unknownCursor } from '../../contract/errors.ts'
import type { Sql } from '../../database/open.ts'
import { lowerAscii, roundedUp, spread, statement } from '../../database/statement.ts'
import { handlers, type Call } from '../call.ts'
import {
  areFew,
  columnOf,
  isSorted,
  looksOf,
  read,
  type Asked,
  type By,
  type Order,
  type Place,
  type Prefix,
} from '../rules/key-streams.ts'
import { presentKey } from '../rules/project-keys.ts'

export default handlers(apiKeys, {
  async list(call) {
    const { db, query } = call
    const { limit = 20, after, order = 'desc' } = query
    const walk = await planned(call, order)
    const { by, lowest, highest } = walk
    const inOrder = (one: Place, other: Place) => compare(order, one, other)
    const cursor = after ? await placeOf(call, by, after) : null
    const [edge, end] = order === 'asc' ? [lowest, highest] : [highest, lowest]
    const start = cursor && inOrder(cursor, edge) > 0 ? cursor : edge
    const looks = looksOf(walk.streams.length)
    const parts = await Promise.all(
      walk.streams.map((value) => read(db, { ...walk, value, start, end }, limit + 1, looks)),
    )
    // Nothing can be shown from behind the place up to which the slowest stream was looked at.
    const [upTo] = parts.flatMap((part) => part.upTo ?? []).toSorted(inOrder)
    const rows = parts
      .flatMap((part) => part.rows)
      .filter((row) => !upTo || inOrder(placeIn(by, row), upTo) <= 0)
      .toSorted((one, other) => inOrder(placeIn(by, one), placeIn(by, other)))
    const isFull = rows.length > limit
    rows.length = Math.min(rows.length, limit)
    const last = isFull || !upTo ? rows.at(-1) && placeIn(by, rows.at(-1)!) : upTo
    return {
      object: 'list',
      data: rows.map((row) => ({ ...presentKey(row), project_id: row.project_id })),
      first_id: rows[0]?.id ?? null,
      last_id: last ? cursorAt(by, last) : null,
      has_more: isFull || upTo !== undefined,
    }
  },
})

const placeIn = (by: By, row: Omit<Place, 'place'> & { last_used_place: number; expires_place: number }): Place => ({
  place: row[columnOf[by]],
  created_at: row.created_at,
  id: row.id,
})

function compare(order: Order, one: Place, other: Place): number {
  const ids = one.id === other.id ? 0 : one.id < other.id ? -1 : 1
  const difference = one.place - other.place || one.created_at - other.created_at || ids
  return order === 'asc' ? difference : -difference
}

/** Beyond all times, those that never come included. */
const END = Number.MAX_SAFE_INTEGER
const NEVER_USED = 0
const NEVER_EXPIRES = 9_999_999_999_999

type Query = Call<typeof apiKeys.list>['query']

/** How a list is read: as one stream, or as one for each value that an index finds. */
async function planned({ db, organization_id, query }: Call<typeof apiKeys.list>, order: Order) {
  const { owner_type, project_ids, owner_ids, owner_project_access: access = 'any' } = query
  const ranges = rangesOf(query)
  const by = timeOf(query, ranges)
  const byFilter = streamsOf(query, by)
  const isUsable = !isSorted(by, byFilter[0]) || (await areFew(db, organization_id, ...byFilter))
  const [prefix, streams] = isUsable ? byFilter : allKeys
  const { created_at: created, last_used_at: used, expires_at: expires } = ranges
  // Among the keys that were never used, times of use need not be looked at, unless they contradict that.
  const isFound = (one: By) =>
    one === by || (one === 'last_used_at' && prefix === 'last_used_place' && used.after < NEVER_USED && used.before > 0)
  const asked: (Asked | '' | false | undefined)[] = [
    times.some((one) => isLimited(ranges[one]) && !isFound(one)) && 'times',
    owner_type && prefix !== 'owner_type' && 'owner_type',
    project_ids && prefix !== 'project_id' && `project_ids:${roundedUp(project_ids.length)}`,
    owner_ids && prefix !== 'owner_id' && `owner_ids:${roundedUp(owner_ids.length)}`,
    query.name !== undefined && 'name',
    access !== 'any' && access,
  ]
  return {
    by,
    order,
    prefix,
    streams: [...new Set(streams)],
    others: asked.filter((one) => one !== undefined && one !== false && one !== ''),
    lowest: { place: ranges[by].after, created_at: END, id: '~' },
    highest: { place: ranges[by].before, created_at: -1, id: '' },
    values: {
      organization_id,
      owner_type,
      ...spread('project', project_ids ?? []),
      ...spread('owner', owner_ids ?? []),
      name: `%${lowerAscii(query.name ?? '').replace(/[\\%_]/g, '\\$&')}%`,
      created_after: created.after,
      created_before: created.before,
      used_after: used.after,
      used_before: used.before,
      expires_before: expires.before,
    },
  }
}

const times = ['created_at', 'last_used_at', 'expires_at'] as const
type Ranges = { [Time in By]: { after: number; before: number } }

/** Between which times the keys stand, both exclusive. */
function rangesOf({ never_used, last_used_after = -1, last_used_before = END, ...query }: Query): Ranges {
  const { created_after = -1, created_before = END, expires_before } = query
  return {
    created_at: { after: created_after, before: created_before },
    last_used_at: {
      after: never_used === false ? Math.max(last_used_after, NEVER_USED) : last_used_after,
      before: never_used ? Math.min(last_used_before, NEVER_USED + 1) : last_used_before,
    },
    expires_at: { after: -1, before: expires_before === undefined ? END : Math.min(expires_before, NEVER_EXPIRES) },
  }
}

const isLimited = ({ after, before }: Ranges[By]) => after > -1 || before < END

/** The time of the order. Keys that were never used all have the same last use: their order by it is that by creation. */
function timeOf({ order_by, never_used }: Query, { last_used_at, expires_at }: Ranges): By {
  const by =
    order_by ?? (isLimited(last_used_at) ? 'last_used_at' : isLimited(expires_at) ? 'expires_at' : 'created_at')
  return never_used && by === 'last_used_at' ? 'created_at' : by
}

type Streams = [Prefix, readonly (string | number)[]]

const allKeys: Streams = ['', ['']]

/** The filter by whose values keys are found, and these values; without one, one stream of all keys. */
function streamsOf({ owner_ids, project_ids, owner_type, never_used }: Query, by: By): Streams {
  if (owner_ids) return ['owner_id', owner_ids]
  if (project_ids) return ['project_id', project_ids]
  if (by === 'created_at' && never_used) return ['last_used_place', [NEVER_USED]]
  if (by === 'created_at' && owner_type) return ['owner_type', [owner_type]]
  return allKeys
}

/** A cursor by a time that can change names the place too: `key_…@1700000000`, or `key_…@never`. */
const cursorAt = (by: By, { place, id }: Place) => {
  if (by === 'created_at') return id
  return `${id}@${place === NEVER_USED || place === NEVER_EXPIRES ? 'never' : place}`
}

/** The place that a cursor names, or that its key has now. Throws 404 for a key that the organization never had. */
async function placeOf({ db, organization_id }: Call<typeof apiKeys.list>, by: By, cursor: string): Promise<Place> {
  const [, id = cursor, place] = /^(\w+)@(\d{1,13}|never)$/.exec(cursor) ?? []
  const [row] = await selectKey(db, { organization_id, id })
  if (!row) throw unknownCursor(cursor)
  if (by === 'created_at' || place === undefined) return placeIn(by, row)
  const never = by === 'last_used_at' ? NEVER_USED : NEVER_EXPIRES
  return { ...placeIn(by, row), place: place === 'never' ? never : Number(place) }
}

const selectKey = statement((sql: Sql, $: { organization_id: string; id: string }) =>
  sql
    .selectFrom('api_keys as item')
    .select(['item.last_used_place', 'item.expires_place', 'item.created_at', 'item.id'])
    .where('item.organization_id', '=', $.organization_id)
    .where('item.id', '=', $.id),
)
