/**
 * Keys of an organization along an index, between two places, as the list of all keys reads them. What neither the index nor the places
 * leave out is asked of each key, of a bounded number of keys.
 */
import { sql as raw } from 'kysely'
import type { Sql } from '../../database/open.ts'
import { spreadPlaceholders, statement } from '../../database/statement.ts'
import { keysByAccess, withOwners } from './project-keys.ts'

export type Order = 'asc' | 'desc'
export type By = 'created_at' | 'last_used_at' | 'expires_at'

/** Where a key stands in the list: by the time of the order, then by when it was created, then by its id. */
export interface Place {
  place: number
  created_at: number
  id: string
}

export const columnOf = {
  created_at: 'created_at',
  last_used_at: 'last_used_place',
  expires_at: 'expires_place',
} as const

/** The column by whose value an index finds the keys of a stream; none for all keys. */
export type Prefix = '' | 'owner_id' | 'project_id' | 'owner_type' | 'last_used_place'

/** What is asked of each key; lists say after a colon for how many values there is room. */
export type Asked = 'times' | 'owner_type' | 'name' | 'active' | 'inactive' | `${'project_ids' | 'owner_ids'}:${number}`

export interface Stream {
  by: By
  order: Order
  prefix: Prefix
  /** Of the prefix. */
  value: string | number
  others: readonly Asked[]
  /** What the filters are compared with. */
  values: { organization_id: string; [name: string]: unknown }
  /** Exclusive. */
  start: Place
  end: Place
}

/** At most this many keys are looked at for one page, however many there are; of a stream among many at least so many, so that each goes on. */
const LOOKS = 1000
const LEAST_LOOKS = 100

export const looksOf = (streams: number) => Math.max(LEAST_LOOKS, Math.ceil(LOOKS / streams))

export interface Part {
  rows: KeyRow[]
  /** Up to where the stream was looked at; null when there is nothing behind, or as many rows as were asked for. */
  upTo: Place | null
}

/** The next rows of a stream, at most `limit`, found among the next `looks` keys; in no order. */
export async function read(sql: Sql, stream: Stream, limit: number, looks: number): Promise<Part> {
  const { by, order, prefix, others, values, value, start, end } = stream
  const shape = [by, order, prefix].join(' ')
  const found = (from: Place, to: Place, limit: number) =>
    select(sql, { ...values, value, ...between(from, to), limit }, [shape, ...others].join(' '))
  if (isSorted(by, prefix) || (others.length === 0 && prefix !== 'project_id'))
    return { rows: await found(start, end, limit), upTo: null }
  const rows: KeyRow[] = []
  let from = start
  for (let left = looks, step = 2 * limit; left > 0; left -= step, step *= 2) {
    step = Math.min(step, left)
    const [last] = await selectPlace(sql, { ...values, value, ...between(from, end), skip: step - 1 }, shape)
    rows.push(...(await found(from, last ?? end, limit - rows.length)))
    if (!last || rows.length === limit) return { rows, upTo: null }
    from = last
  }
  return { rows, upTo: from }
}

/** By another time than that of creation, an owner's or a project's keys have no index: they are sorted, if they are few. */
export const isSorted = (by: By, prefix: Prefix) =>
  by !== 'created_at' && (prefix === 'owner_id' || prefix === 'project_id')

/** Whether the streams of these values have together no more keys than may be looked at. */
export async function areFew(sql: Sql, organization_id: string, prefix: Prefix, values: readonly unknown[]) {
  let left = LOOKS
  for (const value of values) {
    const [{ count }] = (await countKeys(sql, { organization_id, value, most: left + 1 }, prefix)) as [
      { count: unknown },
    ]
    left -= Number(count)
    if (left < 0) return false
  }
  return true
}

const between = (from: Place, to: Place) => ({
  from_place: from.place,
  from_created_at: from.created_at,
  from_id: from.id,
  to_place: to.place,
  to_created_at: to.created_at,
  to_id: to.id,
})

/** The keys of a stream between two places, the second included; deleted ones too where the index has them. */
function keysBetween(sql: Sql, $: any, by: By, order: Order, prefix: Prefix) {
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
    .where(raw<boolean>`${key} ${beyond} ${place('from')}`)
    .where(raw<boolean>`${key} ${upTo} ${place('to')}`)
  if (prefix === 'project_id') return rows.where('item.project_id', '=', $.value)
  const living = rows.where('item.deleted_at', 'is', null)
  // What the indexes of all keys name as their conditions.
  if (prefix === '') return living.where(isCreated ? raw<boolean>`item.id > ''` : raw<boolean>`item.id >= ''`)
  const those = living.where(`item.${prefix}`, '=', $.value)
  // Holds always; without it SQLite would rather sort all keys of the organization than the owner's.
  if (isSorted(by, prefix)) return those.where('item.created_at', '>=', 0)
  return prefix === 'last_used_place' ? those.where(raw<boolean>`item.id >= ''`) : those
}

const columnsOf = (by: By) =>
  by === 'created_at' ? (['created_at', 'id'] as const) : ([columnOf[by], 'created_at', 'id'] as const)

export type KeyRow = Awaited<ReturnType<typeof select>>[number]

/** `shape` is the time of the order, its direction, the prefix, and what is asked of each key. */
const select = statement((sql: Sql, $: any, shape: string) => {
  const [by, order, prefix, ...others] = shape.split(' ') as [By, Order, Prefix, ...Asked[]]
  let keys = keysBetween(sql, $, by, order, prefix).where('item.deleted_at', 'is', null)
  // What is added to the columns, zero and empty text, keeps the engines from finding rows by them.
  for (const other of others) {
    const [filter, size] = other.split(':')
    const oneOf = (name: string) => spreadPlaceholders<any>($, name, Number(size))
    if (filter === 'owner_type') keys = keys.where(raw`item.owner_type || ''`, '=', $.owner_type)
    if (filter === 'name') keys = keys.where(raw<boolean>`lower(item.name) like ${$.name} escape '\\'`)
    if (filter === 'project_ids') keys = keys.where(raw`item.project_id || ''`, 'in', oneOf('project'))
    if (filter === 'owner_ids') keys = keys.where(raw`item.owner_id || ''`, 'in', oneOf('owner'))
    if (filter === 'active' || filter === 'inactive') keys = keysByAccess(keys, filter)
    if (filter === 'times')
      keys = keys
        .where(raw<boolean>`item.created_at + 0 > ${$.created_after} and item.created_at + 0 < ${$.created_before}`)
        .where(raw<boolean>`item.last_used_place + 0 > ${$.used_after} and item.last_used_place + 0 < ${$.used_before}`)
        .where(raw<boolean>`item.expires_place + 0 < ${$.expires_before}`)
  }
  for (const column of columnsOf(by)) keys = keys.orderBy(`item.${column}`, order)
  keys = keys.limit($.limit)
  const isShown = others.length === 0 && !isSorted(by, prefix)
  return withOwners(isShown ? keys : foundFirst(sql, keys), 'any').select([
    'item.project_id',
    'item.last_used_place',
    'item.expires_place',
  ])
})

/** Only the keys to show are read, not those that are left out or sorted behind: an index may have what is asked of them. */
function foundFirst(sql: Sql, keys: ReturnType<typeof keysBetween>) {
  const primaryKey = ['organization_id', 'project_id', 'created_at', 'id'] as const
  const found = keys.select(primaryKey.map((column) => `item.${column}` as const)).as('found')
  // `cross join` tells SQLite to begin with what was found.
  let items = sql.selectFrom(found).crossJoin('api_keys as item')
  for (const column of primaryKey) items = items.whereRef(`item.${column}`, '=', `found.${column}`)
  return items
}

/** Where the last key of a step stands; none if fewer are left. It is read from the index alone. */
const selectPlace = statement((sql: Sql, $: any, shape: string) => {
  const [by, order, prefix] = shape.split(' ') as [By, Order, Prefix]
  let rows = keysBetween(sql, $, by, order, prefix).select([
    `item.${columnOf[by]} as place`,
    'item.created_at',
    'item.id',
  ])
  for (const column of columnsOf(by)) rows = rows.orderBy(`item.${column}`, order)
  return rows.limit(1).offset($.skip)
})

const countKeys = statement((sql: Sql, $: any, prefix: Prefix) => {
  const keys = sql
    .selectFrom('api_keys as item')
    .select(raw`1`.as('one'))
    .where('item.organization_id', '=', $.organization_id)
    .where(`item.${prefix as 'owner_id'}`, '=', $.value)
  const looked = prefix === 'project_id' ? keys : keys.where('item.deleted_at', 'is', null)
  return sql.selectFrom(looked.limit($.most).as('some')).select(({ fn }) => fn.countAll().as('count'))
})
