/**
 * Cursor pagination, once: keyset on `(created_at, id)`, one query per page, at a cost that does not grow with the table. A cursor is the
 * id of any row that the list ever had, deleted ones too.
 */
import { sql as raw, type SelectQueryBuilder } from 'kysely'
import { unknownCursor } from '../contract/errors.ts'
import type { Sql } from './open.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** The tables that can be listed: their rows have a time. */
type Listed = {
  [Table in keyof Tables]: Tables[Table] extends { created_at: number; organization_id: string } ? Table : never
}[keyof Tables]

type Item<Table extends Listed> = SelectQueryBuilder<Tables & { item: Tables[Table] }, 'item', {}>

export interface PageQuery {
  after?: string | null
  limit?: number
  order?: 'asc' | 'desc'
}

export interface Page<Row> {
  object: 'list'
  data: Row[]
  first_id: string | null
  last_id: string | null
  has_more: boolean
}

interface Options<Column> extends Pick<PageQuery, 'order'> {
  /** The column that a cursor names; `id` unless the rows are memberships. */
  id?: Column
  /** True for memberships, whose places in the list are kept when they end. */
  departed?: true
}

/**
 * The rows of `table` (known as `item`) that agree with `scope`, as `build` selects and filters them; `build` may not read anything but
 * its arguments. `shape` names what else changes the text of the query.
 */
export function collection<
  Table extends Listed,
  Scope extends keyof Tables[Table] & string,
  Row,
  Shape extends string = '',
>(
  table: Table,
  scope: readonly Scope[],
  build: (item: Item<Table>, shape: Shape, $: Record<string, never>) => SelectQueryBuilder<any, any, Row>,
  { order: usual = 'desc', id = 'id' as never, departed }: Options<keyof Tables[Table] & string> = {},
) {
  type Values = { [Column in Scope]: string }
  const key = `item.${id}`
  const within = (sql: Sql, $: any, alias = 'item') =>
    scope.reduce<any>(
      (query, column) => query.where(`${alias}.${column}`, '=', $[column]),
      sql.selectFrom(`${table} as ${alias}` as any),
    )
  /** Where the cursor stands: the time of its row, null for a cursor that the list never had. Who left and came back is where it is now. */
  const position = (sql: Sql, $: any) => {
    const at = within(sql, $, 'before').where(`before.${id}`, '=', $.after)
    if (!departed) return raw<number | null>`(${at.select('before.created_at')})`
    const left = sql
      .selectFrom('departed')
      .select('created_at')
      .where('organization_id', '=', $.organization_id)
      .where('list_id', '=', $[scope.at(-1)!])
      .where('id', '=', $.after)
    return raw<number | null>`coalesce((${at.select(raw`min(before.created_at)`.as('at'))}), (${left}))`
  }

  const select = statement((sql: Sql, $: any, variant: string) => {
    const [order, from, ...shape] = variant.split(' ')
    let query = build(within(sql, $), shape.join(' ') as Shape, $) as any
    if (from === 'after') {
      const operator = raw.raw(order === 'asc' ? '>' : '<')
      query = query.where(
        raw`(item.created_at, ${raw.ref(key)}) ${operator} (${position(sql, $)}, ${raw.val($.after)})`,
      )
    }
    return query.orderBy('item.created_at', order).orderBy(key, order).limit($.limit)
  })
  const selectOne = statement((sql: Sql, $: any, shape: Shape) => build(within(sql, $).where(key, '=', $.id), shape, $))
  const selectPosition = statement((sql: Sql, $: any) => sql.selectNoFrom(position(sql, $).as('at')))

  return {
    /** A page in the envelope of the wire. Throws 404 for a cursor that the list never had. */
    async page<Presented>(
      sql: Sql,
      values: Values,
      { after, limit = 20, order = usual }: PageQuery,
      present: (row: Row) => Presented,
      shape = '' as Shape,
    ): Promise<Page<Presented>> {
      const variant = `${order} ${after ? 'after' : 'start'} ${shape}`
      const rows = (await select(sql, { ...values, after, limit: limit + 1 }, variant)) as (Row &
        Record<string, string>)[]
      if (rows.length === 0 && after) {
        const [place] = (await selectPosition(sql, { ...values, after })) as { at: number | null }[]
        if (place!.at === null) throw unknownCursor(after)
      }
      // A page of none says that there is no more: a true answer would have no cursor to go on with.
      const has_more = limit > 0 && rows.length > limit
      if (rows.length > limit) rows.length = limit
      const [first, last] = [rows[0]?.[id] ?? null, rows.at(-1)?.[id] ?? null]
      return { object: 'list', data: rows.map(present), first_id: first, last_id: last, has_more }
    },

    /** One row of the collection, under the same filters as its pages. */
    async find(sql: Sql, values: Values, id: string, shape = '' as Shape): Promise<Row | undefined> {
      return ((await selectOne(sql, { ...values, id }, shape)) as Row[])[0]
    },
  }
}

/** The other envelope: `next` in the place of `first_id` and `last_id`. */
export const byNext = <Item>({ data, has_more, last_id }: Page<Item>) => ({
  object: 'list' as const,
  data,
  has_more,
  next: has_more ? last_id : null,
})
