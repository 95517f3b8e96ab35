import { sql as raw } from 'kysely'
import { apiKeys } from '../../contract/api-keys.ts'
import { unknownCursor } from '../../contract/errors.ts'
import type { Sql } from '../../database/open.ts'
import { lowerAscii, roundedUp, spread, spreadPlaceholders, statement } from '../../database/statement.ts'
import { handlers, type Call } from '../call.ts'
import { presentKey, withOwners, type Access } from '../rules/project-keys.ts'

export default handlers(apiKeys, {
  async list(call) {
    const { db, query } = call
    const { limit = 20, after, order = 'desc' } = query
    const walk = planned(call, order)
    const { lowest, highest } = walk
    const cursor = after ? await placeOf(call, walk.by, after) : null
    const [edge, end] = order === 'asc' ? [lowest, highest] : [highest, lowest]
    const start = cursor && compare(walk, cursor, edge) > 0 ? cursor : edge
    const found = await Promise.all(walk.streams.map((value) => read(db, { ...walk, value, start, end }, limit + 1)))
    const rows = found.flat().toSorted((one, other) => compare(walk, placeIn(walk.by, one), placeIn(walk.by, other)))
    const has_more = rows.length > limit
    rows.length = Math.min(rows.length, limit)
    return {
      object: 'list',
      data: rows.map((row) => ({ ...presentKey(row), project_id: row.project_id })),
      first_id: rows[0]?.id ?? null,
      last_id: rows.length > 0 ? cursorAt(walk.by, rows.at(-1)!) : null,
      has_more,
    }
  },
})

type Order = 'asc' | 'desc'
type By = 'created_at' | 'last_used_at' | 'expires_at'

/** Where a key stands in the list: by the time of the order, then by when it was created, then by its id. */
interface Place {
  place: number
  created_at: number
  id: string
}

const columnOf = { created_at: 'created_at', last_used_at: 'last_used_place', expires_at: 'expires_place' } as const

const placeIn = (by: By, row: Omit<Place, 'place'> & { last_used_place: number; expires_place: number }): Place => ({
  place: row[columnOf[by]],
  created_at: row.created_at,
  id: row.id,
})

function compare({ order }: { order: Order }, one: Place, other: Place): number {
  const difference = one.place - other.place || one.created_at - other.created_at || (one.id < other.id ? -1 : 1)
  return order === 'asc' ? difference : -difference
}

/** Beyond all times, those that never come included. */
const END = Number.MAX_SAFE_INTEGER
const NEVER_USED = 0
const NEVER_EXPIRES = 9_999_999_999_999

type Query = Call<typeof apiKeys.list>['query']

/**
 * How a list is read: along an index, between two places, with the keys of each stream apart. What neither the index nor the places leave
 * out is asked of each key.
 */
function planned({ organization_id, query }: Call<typeof apiKeys.list>, order: Order) {
  const { owner_type, project_ids, owner_ids, owner_project_access: access = 'any' } = query
  const ranges = rangesOf(query)
  const by = timeOf(query, ranges)
  const [prefix, streams] = streamsOf(query, by)
  const { created_at: created, last_used_at: used, expires_at: expires } = ranges
  // Among the keys that were never used, times of use need not be looked at, unless they contradict that.
  const isFound = (one: By) =>
    one === by || (one === 'last_used_at' && prefix === 'last_used_place' && used.after < NEVER_USED && used.before > 0)
  const others = [
    times.some((one) => isLimited(ranges[one]) && !isFound(one)) && 'times',
    owner_type && prefix !== 'owner_type' && 'owner_type',
    owner_ids && project_ids && `project_ids:${roundedUp(project_ids.length)}`,
    query.name !== undefined && 'name',
    access !== 'any' && access,
  ].filter((one) => typeof one === 'string')
  return {
    by,
    order,
    prefix,
    streams: [...new Set(streams)],
    others,
    lowest: { place: ranges[by].after, created_at: END, id: '~' },
    highest: { place: ranges[by].before, created_at: -1, id: '' },
    values: {
      organization_id,
      owner_type,
      ...spread('project', project_ids ?? []),
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

/** The filter by whose values keys are found, and these values; without one, one stream of all keys. */
function streamsOf(
  { owner_ids, project_ids, owner_type, never_used }: Query,
  by: By,
): [Prefix, readonly (string | number)[]] {
  if (owner_ids) return ['owner_id', owner_ids]
  if (project_ids) return ['project_id', project_ids]
  if (by === 'created_at' && never_used) return ['last_used_place', [NEVER_USED]]
  if (by === 'created_at' && owner_type) return ['owner_type', [owner_type]]
  return ['', ['']]
}

/** The column by whose value an index finds the keys of a stream; none for all keys. */
type Prefix = '' | 'owner_id' | 'project_id' | 'owner_type' | 'last_used_place'

interface Stream extends ReturnType<typeof planned> {
  /** Of the prefix. */
  value: string | number
  start: Place
  end: Place
}

const LONGEST_STEP = 1000

/**
 * The next rows of a stream. Where not every key that is looked at is shown, this goes step by step, each of so many keys that others who
 * wait for the database are not kept waiting for long.
 */
async function read(sql: Sql, { by, order, prefix, others, values, value, start, end }: Stream, limit: number) {
  const shape = [by, order, prefix].join(' ')
  // By another time than that of creation, an owner's or a project's keys have to be sorted as a whole.
  const inSteps = others.length > 0 && (by === 'created_at' || prefix === '')
  const rows: Row[] = []
  for (let from = start, step = 2 * limit; ; step = Math.min(step * 2, LONGEST_STEP)) {
    const asked = { ...values, value, ...between(from, end), limit: limit - rows.length, skip: step - 1 }
    const [last] = inSteps ? await selectPlace(sql, asked, shape) : []
    const to = last ?? end
    rows.push(...(await select(sql, { ...asked, ...between(from, to) }, [shape, ...others].join(' '))))
    if (!last || rows.length === limit) return rows
    from = to
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const between = (from: Place, to: Place) => ({
  from_place: from.place,
  from_created_at: from.created_at,
  from_id: from.id,
  to_place: to.place,
  to_created_at: to.created_at,
  to_id: to.id,
})

type Row = Awaited<ReturnType<typeof select>>[number]

/** The living keys of a stream between two places, the second included. */
function stream(sql: Sql, $: any, by: By, order: Order, prefix: Prefix) {
  const isCreated = by === 'created_at'
  const key = isCreated
    ? raw`(item.created_at, item.id)`
    : raw`(${raw.ref(`item.${columnOf[by]}`)}, item.created_at, item.id)`
  const place = (side: string) =>
    isCreated
      ? raw`(${$[`${side}_place`]}, ${$[`${side}_id`]})`
      : raw`(${$[`${side}_place`]}, ${$[`${side}_created_at`]}, ${$[`${side}_id`]})`
  const [beyond, upTo] = order === 'asc' ? [raw`>`, raw`<=`] : [raw`<`, raw`>=`]
  const rows = sql
    .selectFrom('api_keys as item')
    .where('item.organization_id', '=', $.organization_id)
    .where('item.deleted_at', 'is', null)
    .where(raw<boolean>`${key} ${beyond} ${place('from')}`)
    .where(raw<boolean>`${key} ${upTo} ${place('to')}`)
  // What the indexes of all keys name as their conditions.
  if (prefix === '') return rows.where(isCreated ? raw<boolean>`item.id > ''` : raw<boolean>`item.id >= ''`)
  const those = rows.where(`item.${prefix}`, '=', $.value)
  return prefix === 'last_used_place' ? those.where(raw<boolean>`item.id >= ''`) : those
}

const columnsOf = (by: By) =>
  by === 'created_at' ? (['created_at', 'id'] as const) : ([columnOf[by], 'created_at', 'id'] as const)

/** `shape` is the time of the order, its direction, the prefix, and the other filters. */
const select = statement((sql: Sql, $: any, shape: string) => {
  const [by, order, prefix, ...others] = shape.split(' ') as [By, Order, Prefix, ...string[]]
  const access = others.find((other): other is Access => other === 'active' || other === 'inactive') ?? 'any'
  let rows = withOwners(stream(sql, $, by, order, prefix), access).select([
    'item.project_id',
    'item.last_used_place',
    'item.expires_place',
  ])
  // What is added to the columns, zero and empty text, keeps the engines from finding rows by them.
  for (const other of others) {
    const [filter, size] = other.split(':')
    if (filter === 'owner_type') rows = rows.where(raw`item.owner_type || ''`, '=', $.owner_type)
    if (filter === 'name') rows = rows.where(raw<boolean>`lower(item.name) like ${$.name} escape '\\'`)
    if (filter === 'project_ids')
      rows = rows.where(raw`item.project_id || ''`, 'in', spreadPlaceholders<any>($, 'project', Number(size)))
    if (filter === 'times')
      rows = rows
        .where(raw<boolean>`item.created_at + 0 > ${$.created_after} and item.created_at + 0 < ${$.created_before}`)
        .where(raw<boolean>`item.last_used_place + 0 > ${$.used_after} and item.last_used_place + 0 < ${$.used_before}`)
        .where(raw<boolean>`item.expires_place + 0 < ${$.expires_before}`)
  }
  for (const column of columnsOf(by)) rows = rows.orderBy(`item.${column}`, order)
  return rows.limit($.limit)
})

/** Where the last key of a step stands; none if fewer are left. It is read from the index alone. */
const selectPlace = statement((sql: Sql, $: any, shape: string) => {
  const [by, order, prefix] = shape.split(' ') as [By, Order, Prefix]
  let rows = stream(sql, $, by, order, prefix).select([`item.${columnOf[by]} as place`, 'item.created_at', 'item.id'])
  for (const column of columnsOf(by)) rows = rows.orderBy(`item.${column}`, order)
  return rows.limit(1).offset($.skip)
})

/** A cursor by a time that can change names the place too: `key_…@1700000000`, or `key_…@never`. */
const cursorAt = (by: By, row: Row) => {
  if (by === 'created_at') return row.id
  const { place } = placeIn(by, row)
  return `${row.id}@${place === NEVER_USED || place === NEVER_EXPIRES ? 'never' : place}`
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
