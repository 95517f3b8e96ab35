/**
 * Range scans over the indexes of keys, of projects or of the administration, for the list of all
 * keys. Filters without an index are applied to a bounded number of keys.
 */
import { sql as raw } from 'kysely'
import type { Order } from '../../database/pager.ts'
import type { Sql } from '../../database/types.ts'
import { isContained, spreadPlaceholders, statement } from '../../database/statement.ts'
import type { KeyTable } from '../../keys/key-mac.ts'
import { isOrganizationOwner } from '../../keys/access.ts'
import { withAdminOwner } from './admin-key-rows.ts'
import { keysByAccess, withOwners } from './project-key-rows.ts'

export type By = 'created_at' | 'last_used_at' | 'expires_at'

/**
 * The position of a key in the list: the time of the order, then the time of its creation, then its
 * id.
 */
export interface Place {
  place: number
  created_at: number
  id: string
}

export const columnOf = {
  created_at: 'created_at',
  last_used_at: 'last_used_sort',
  expires_at: 'expires_sort',
} as const

/** The indexed column whose value selects the keys of a stream; empty for all keys. */
export type Prefix = '' | 'owner_id' | 'project_id' | 'owner_type' | 'last_used_sort'

/**
 * A filter that is applied to each row; `size` is how many values a list filter has placeholders
 * for.
 */
export type Asked =
  | { filter: 'times' | 'owner_type' | 'name' | 'active' | 'inactive' }
  | { filter: 'project_ids' | 'owner_ids'; size: number }

/** Keys that an index has next to each other: of one table, with one value of the prefix. */
export interface KeyStream {
  table: KeyTable
  prefix: Prefix
  /** The value of the prefix column. */
  value: string | number
  others: readonly Asked[]
}

export interface Stream extends KeyStream {
  by: By
  order: Order
  /** The values that the filters compare with. */
  values: { organization_id: string; [name: string]: unknown }
  /** Exclusive. */
  start: Place
  end: Place
}

/**
 * How many keys are read for one page at most, and how many for each of several streams at least,
 * so that all of them get on.
 */
const LOOKS = 1000
const LEAST_LOOKS = 100

export const looksOf = (streams: number) => Math.max(LEAST_LOOKS, Math.ceil(LOOKS / streams))

export interface Part {
  rows: KeyRow[]
  /** How far the stream was read; null when it has ended, or when enough rows were found. */
  upTo: Place | null
}

/**
 * The next rows of a stream, at most `limit`, found among the next `looks` keys. They are not
 * sorted.
 */
export async function read(sql: Sql, stream: Stream, limit: number, looks: number): Promise<Part> {
  const { table, by, order, prefix, others, values, value, start, end } = stream
  const scan = { table, by, order, prefix }
  const select = table === 'api_keys' ? selectProjectKeys : selectAdminKeys
  const found = (from: Place, to: Place, limit: number): Promise<KeyRow[]> =>
    select(sql, { ...values, value, ...between(from, to), limit }, { ...scan, others })
  if (needsSort(by, prefix) || (others.length === 0 && prefix !== 'project_id'))
    return { rows: await found(start, end, limit), upTo: null }
  const rows: KeyRow[] = []
  let from = start
  for (let left = looks, step = 2 * limit; left > 0; left -= step, step *= 2) {
    step = Math.min(step, left)
    const [last] = await selectPlace(sql, { ...values, value, ...between(from, end), skip: step - 1 }, scan)
    rows.push(...(await found(from, last ?? end, limit - rows.length)))
    if (!last || rows.length === limit) return { rows, upTo: null }
    from = last
  }
  return { rows, upTo: from }
}

/**
 * Whether the keys must be sorted in memory: those of an owner or a project have no index by
 * another time than that of creation. They are sorted only if they are few.
 */
export const needsSort = (by: By, prefix: Prefix) =>
  by !== 'created_at' && (prefix === 'owner_id' || prefix === 'project_id')

/** Whether the streams of these values have at most LOOKS keys together. */
export async function areFew(sql: Sql, organization_id: string, prefix: Prefix, values: readonly unknown[]) {
  let left = LOOKS
  for (const value of values) {
    const [{ count }] = (await countKeys(sql, { organization_id, value, most: left + 1 }, { prefix })) as [
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

/**
 * The keys of a stream between two places, the second included; deleted ones too where the index
 * has them.
 */
function keysBetween(sql: Sql, params: any, { table, by, order, prefix }: Scan) {
  const isCreated = by === 'created_at'
  const key = isCreated
    ? raw`(item.created_at, item.id)`
    : raw`(${raw.ref(`item.${columnOf[by]}`)}, item.created_at, item.id)`
  const place = (side: string) =>
    isCreated
      ? raw`(${params[`${side}_place`]}, ${params[`${side}_id`]})`
      : raw`(${params[`${side}_place`]}, ${params[`${side}_created_at`]}, ${params[`${side}_id`]})`
  const [beyond, upTo] = order === 'asc' ? [raw`>`, raw`<=`] : [raw`<`, raw`>=`]
  const rows = sql
    // Both tables have the columns and the indexes that are named here.
    .selectFrom(`${table} as item` as 'api_keys as item')
    .where('item.organization_id', '=', params.organization_id)
    .where(raw<boolean>`${key} ${beyond} ${place('from')}`)
    .where(raw<boolean>`${key} ${upTo} ${place('to')}`)
  if (prefix === 'project_id') return rows.where('item.project_id', '=', params.value)
  const living = rows.where('item.deleted_at', 'is', null)
  // The conditions of the partial indexes over all keys: without them the engines do not use those.
  if (prefix === '') return living.where(isCreated ? raw<boolean>`item.id > ''` : raw<boolean>`item.id >= ''`)
  const those = living.where(`item.${prefix}`, '=', params.value)
  // Always true. Without it SQLite would sort all keys of the organization instead of the owner's.
  if (needsSort(by, prefix)) return those.where('item.created_at', '>=', 0)
  return prefix === 'last_used_sort' ? those.where(raw<boolean>`item.id >= ''`) : those
}

/** An index, and the direction along it. */
type Scan = { table: KeyTable; by: By; order: Order; prefix: Prefix }
type FilteredScan = Scan & { others: readonly Asked[] }

const columnsOf = (by: By) =>
  by === 'created_at' ? (['created_at', 'id'] as const) : ([columnOf[by], 'created_at', 'id'] as const)

/** A row of either table; only those of projects have a `project_id`. */
export type KeyRow = Awaited<ReturnType<typeof selectProjectKeys | typeof selectAdminKeys>>[number]

const sorts = ['item.last_used_sort', 'item.expires_sort'] as const

const selectProjectKeys = statement((sql: Sql, params: any, scan: FilteredScan) => {
  const primaryKey = ['organization_id', 'project_id', 'created_at', 'id'] as const
  const keys = foundFirst(sql, keysFound(sql, params, scan), scan, primaryKey)
  return withOwners(keys, 'any').select(['item.project_id', ...sorts])
})

const selectAdminKeys = statement((sql: Sql, params: any, scan: FilteredScan) => {
  const keys = foundFirst(sql, keysFound(sql, params, scan), scan, ['organization_id', 'id'])
  return withAdminOwner(keys as unknown as Parameters<typeof withAdminOwner>[0])
    .select(isOrganizationOwner('item.organization_id', 'item.owner_id').as('is_owner'))
    .select(sorts)
})

/** The keys to show, in their order. */
function keysFound(sql: Sql, params: any, scan: FilteredScan) {
  let keys = keysBetween(sql, params, scan).where('item.deleted_at', 'is', null)
  // Zero or empty text is added to the column, so that the engines do not use an index on it.
  for (const other of scan.others) {
    const { filter } = other
    const oneOf = (name: string) => spreadPlaceholders<any>(params, name, 'size' in other ? other.size : 0)
    if (filter === 'owner_type') keys = keys.where(raw`item.owner_type || ''`, '=', params.owner_type)
    if (filter === 'name') keys = keys.where(isContained('item.name', params.name))
    if (filter === 'project_ids') keys = keys.where(raw`item.project_id || ''`, 'in', oneOf('project'))
    if (filter === 'owner_ids') keys = keys.where(raw`item.owner_id || ''`, 'in', oneOf('owner'))
    if (filter === 'active' || filter === 'inactive') {
      const isOwner = isOrganizationOwner('item.organization_id', 'item.owner_id')
      if (scan.table === 'api_keys') keys = keysByAccess(keys, filter)
      else keys = keys.where(filter === 'active' ? isOwner : raw<boolean>`not ${isOwner}`)
    }
    if (filter === 'times')
      keys = keys
        .where(
          raw<boolean>`item.created_at + 0 > ${params.created_after} and item.created_at + 0 < ${params.created_before}`,
        )
        .where(
          raw<boolean>`item.last_used_sort + 0 > ${params.used_after} and item.last_used_sort + 0 < ${params.used_before}`,
        )
        .where(
          raw<boolean>`item.expires_sort + 0 > ${params.expires_after} and item.expires_sort + 0 < ${params.expires_before}`,
        )
  }
  for (const column of columnsOf(scan.by)) keys = keys.orderBy(`item.${column}`, scan.order)
  return keys.limit(params.limit)
}

/**
 * Finds the keys first and then reads the rows of those to show, because the index may have all
 * columns that the filters need. Without filters and without sorting the rows are read at once.
 */
function foundFirst(
  sql: Sql,
  keys: ReturnType<typeof keysBetween>,
  { table, by, prefix, others }: FilteredScan,
  primaryKey: readonly ('organization_id' | 'project_id' | 'created_at' | 'id')[],
) {
  if (others.length === 0 && !needsSort(by, prefix)) return keys
  const found = keys.select(primaryKey.map((column) => `item.${column}` as const)).as('found')
  // `cross join` makes SQLite start with the rows that were found.
  let items = sql.selectFrom(found).crossJoin(`${table} as item` as 'api_keys as item')
  for (const column of primaryKey) items = items.whereRef(`item.${column}`, '=', `found.${column}`)
  return items
}

/**
 * The position of the last key of a step; none if fewer keys are left. It is read from the index
 * alone.
 */
const selectPlace = statement((sql: Sql, params: any, scan: Scan) => {
  const { by, order } = scan
  let rows = keysBetween(sql, params, scan).select([`item.${columnOf[by]} as place`, 'item.created_at', 'item.id'])
  for (const column of columnsOf(by)) rows = rows.orderBy(`item.${column}`, order)
  return rows.limit(1).offset(params.skip)
})

const countKeys = statement((sql: Sql, params: any, { prefix }: { prefix: Prefix }) => {
  const keys = sql
    .selectFrom('api_keys as item')
    .select(raw`1`.as('one'))
    .where('item.organization_id', '=', params.organization_id)
    .where(`item.${prefix as 'owner_id'}`, '=', params.value)
  const looked = prefix === 'project_id' ? keys : keys.where('item.deleted_at', 'is', null)
  return sql.selectFrom(looked.limit(params.most).as('some')).select(({ fn }) => fn.countAll().as('count'))
})
