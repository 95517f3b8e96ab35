/**
 * Cursor pagination, for every list: those of a table (`table-list.ts`), those in memory
 * (`memory-list.ts`), and those that are put together from several indexes (audit logs, all API
 * keys). A list says how it reads rows between two cursors. Which of them are on a page, and
 * whether there is more before and after it, is decided here.
 */

export type Order = 'asc' | 'desc'

export interface PageQuery {
  /** Rows behind this cursor, in the order of the list. */
  after?: string | null
  /** Rows before this cursor: without `after`, those that are nearest to it. */
  before?: string | null
  limit?: number
  order?: Order
}

export interface Cursor {
  id: string
  /** The parameter that named it, for the error when the list never had it. */
  param: 'after' | 'before'
}

/** What is to be read: from `start` on, in `order`, up to `end`, both exclusive. */
export interface Range {
  order: Order
  start: Cursor | null
  end: Cursor | null
  /** One more than the page has, to see whether there is more. */
  limit: number
}

export interface Read<Row> {
  rows: Row[]
  /**
   * The cursor to go on from, when there may be more although fewer rows than `limit` were found.
   */
  resumeAt?: string | undefined
}

/** A list, as the pager sees it. Throws UnknownCursor for a cursor that the list never had. */
export interface List<Row> {
  read: (range: Range) => Promise<Read<Row>>
  idOf: (row: Row) => string
  /** The cursor that names a row, where it is more than the id. */
  cursorOf?: (row: Row) => string
}

export interface PageDefaults {
  limit?: number
  order?: Order
}

export interface Page<Item> {
  object: 'list'
  data: Item[]
  first_id: string | null
  last_id: string | null
  has_more: boolean
}

/**
 * A page in the envelope that the API answers with. With `before` and no `after`, the rows are
 * those nearest to the cursor, still in the order of the list, and `has_more` says whether there
 * are rows further away from it.
 */
export async function readPage<Row, Item>(
  { read, idOf, cursorOf = idOf }: List<Row>,
  query: PageQuery,
  present: (row: Row) => Item,
  defaults: PageDefaults = {},
): Promise<Page<Item>> {
  const { after, before, limit = defaults.limit ?? 20, order = defaults.order ?? 'desc' } = query
  const isBackwards = Boolean(before) && !after
  const start = after ? cursor('after', after) : isBackwards ? cursor('before', before!) : null
  const end = after && before ? cursor('before', before) : null
  const { rows, resumeAt } = await read({ order: isBackwards ? reversed(order) : order, start, end, limit: limit + 1 })
  const isFull = rows.length > limit
  if (isFull) rows.length = limit
  const furthest = rows.at(-1)
  const resume = !isFull && resumeAt !== undefined ? resumeAt : furthest === undefined ? null : cursorOf(furthest)
  const nearest = rows[0] === undefined ? null : (isBackwards ? cursorOf : idOf)(rows[0])
  if (isBackwards) rows.reverse()
  return {
    object: 'list',
    data: rows.map(present),
    first_id: isBackwards ? resume : nearest,
    last_id: isBackwards ? nearest : resume,
    // A page with a limit of 0 says that there is no more, because it has no row from which to go
    // on.
    has_more: limit > 0 && (isFull || resumeAt !== undefined),
  }
}

const cursor = (param: Cursor['param'], id: string): Cursor => ({ id, param })

export const reversed = (order: Order): Order => (order === 'asc' ? 'desc' : 'asc')

/** The other envelope: `next` in the place of `first_id` and `last_id`. */
export const byNext = <Item>({ data, has_more, last_id }: Page<Item>) => ({
  object: 'list' as const,
  data,
  has_more,
  next: has_more ? last_id : null,
})
