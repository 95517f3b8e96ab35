/**
 * Cursor pagination, once: keyset on `(created_at, id)`, one query per page, at a cost that does not grow with the table. A cursor is the
 * id of any row that the list ever had, deleted ones too.
 */
import { sql as raw, type SelectQueryBuilder } from 'kysely'
import { unknownCursor } from '../contract/errors.ts'
import type { Sql } from './open.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

/** The tables that can be listed: their rows have an id and a time. */
type Listed = {
  [Table in keyof Tables]: Tables[Table] extends { id: string; created_at: number; organization_id: string }
    ? Table
    : never
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
  { order: usual = 'desc' }: Pick<PageQuery, 'order'> = {},
) {
  type Values = { [Column in Scope]: string }
  const within = (sql: Sql, $: any, alias = 'item') =>
    scope.reduce<any>(
      (query, column) => query.where(`${alias}.${column}`, '=', $[column]),
      sql.selectFrom(`${table} as ${alias}` as any),
    )

  const select = statement((sql: Sql, $: any, variant: string) => {
    const [order, position, ...shape] = variant.split(' ')
    let query = build(within(sql, $), shape.join(' ') as Shape, $) as any
    if (position === 'after') {
      const at = within(sql, $, 'before').where('before.id', '=', $.after).select('before.created_at')
      query = query.where(
        raw`(item.created_at, item.id) ${raw.raw(order === 'asc' ? '>' : '<')} (${at}, ${raw.val($.after)})`,
      )
    }
    return query.orderBy('item.created_at', order).orderBy('item.id', order).limit($.limit)
  })
  const selectOne = statement((sql: Sql, $: any, shape: Shape) =>
    build(within(sql, $).where('item.id', '=', $.id), shape, $),
  )
  const selectCursor = statement((sql: Sql, $: any) => within(sql, $).where('item.id', '=', $.after).select('item.id'))

  return {
    /** A page in the envelope of the wire. Throws 404 for a cursor that the list never had. */
    async page<Presented>(
      sql: Sql,
      values: Values,
      { after, limit = 20, order = usual }: PageQuery,
      present: (row: Row) => Presented & { id: string },
      shape = '' as Shape,
    ): Promise<Page<Presented & { id: string }>> {
      const rows = (await select(
        sql,
        { ...values, after, limit: limit + 1 },
        `${order} ${after ? 'after' : 'start'} ${shape}`,
      )) as Row[]
      if (rows.length === 0 && after && (await selectCursor(sql, { ...values, after })).length === 0)
        throw unknownCursor(after)
      const has_more = rows.length > limit
      if (has_more) rows.length = limit
      const data = rows.map(present)
      return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more }
    },

    /** One row of the collection, under the same filters as its pages. */
    async find(sql: Sql, values: Values, id: string, shape = '' as Shape): Promise<Row | undefined> {
      return ((await selectOne(sql, { ...values, id }, shape)) as Row[])[0]
    },
  }
}
