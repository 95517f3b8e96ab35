/**
 * The list of the rows of one table, by `(created_at, id)`: one query a page, at a cost that does
 * not grow with the table. A cursor is the id of any row that the list ever had, deleted ones too.
 */
import { sql as raw, type RawBuilder, type SelectQueryBuilder } from 'kysely'
import { UnknownCursor } from './storage-errors.ts'
import { readPage, type Cursor, type List, type Order, type Page, type PageQuery } from './pager.ts'
import { statement, type Variant, type VariantArgument } from './statement.ts'
import type { Tables } from './tables.ts'
import type { Sql } from './types.ts'

/** The tables that can be listed: their rows have a time. */
type Listed = {
  [Table in keyof Tables]: Tables[Table] extends { created_at: number; organization_id: string } ? Table : never
}[keyof Tables]

type Item<Table extends Listed> = SelectQueryBuilder<Tables & { item: Tables[Table] }, 'item', {}>

/**
 * How the rows of `table`, called `item` here, are selected and filtered. It may read nothing but
 * its arguments.
 */
type Build<Table extends Listed, Row, V extends Variant> = (
  item: Item<Table>,
  variant: V,
  params: Record<string, never>,
) => SelectQueryBuilder<any, any, Row>

interface ListOptions<Column> {
  /** The order where the query names none; newest first by default. */
  order?: Order
  /** The column that a cursor names; `id` unless the rows are memberships. */
  id?: Column
  /**
   * True for memberships: one that ended is in `left_memberships`, so that a cursor that names it
   * still works.
   */
  isMembership?: true
}

/** The rows of `table` that have the values of `scope`, as `build` selects them. */
export const listOf = <
  Table extends Listed,
  Scope extends keyof Tables[Table] & string,
  Row,
  V extends Variant = undefined,
>(
  table: Table,
  scope: readonly Scope[],
  build: Build<Table, Row, V>,
  options: ListOptions<keyof Tables[Table] & string> = {},
) =>
  new TableList<Scope, Row, V>(new TableQueries(table, scope, build as unknown as Build<any, Row, V>, options), options)

interface RangeVariant<V extends Variant> {
  order: Order
  hasStart: boolean
  hasEnd: boolean
  filter: V
}

/** The three statements of a list. */
class TableQueries<Row, V extends Variant> {
  readonly key: string
  readonly #table: string
  readonly #scope: readonly string[]
  readonly #build: Build<any, Row, V>
  readonly #isMembership: boolean

  constructor(table: string, scope: readonly string[], build: Build<any, Row, V>, options: ListOptions<string>) {
    this.key = options.id ?? 'id'
    this.#table = table
    this.#scope = scope
    this.#build = build
    this.#isMembership = options.isMembership ?? false
  }

  readonly selectRange = statement((sql: Sql, params: any, { order, hasStart, hasEnd, filter }: any) => {
    let query = this.#build(this.#within(sql, params), filter, params) as any
    const item = raw`(item.created_at, ${raw.ref(`item.${this.key}`)})`
    const cursor = (name: string) => raw`(${this.#time(sql, params, name)}, ${raw.val(params[name])})`
    const [behind, before] = order === 'asc' ? [raw`>`, raw`<`] : [raw`<`, raw`>`]
    if (hasStart) query = query.where(raw`${item} ${behind} ${cursor('start')}`)
    if (hasEnd) query = query.where(raw`${item} ${before} ${cursor('end')}`)
    return query.orderBy('item.created_at', order).orderBy(`item.${this.key}`, order).limit(params.limit)
  }) as (sql: Sql, values: object, variant: RangeVariant<V>) => Promise<Row[]>

  readonly selectOne = statement((sql: Sql, params: any, filter: any) =>
    this.#build(this.#within(sql, params).where(`item.${this.key}`, '=', params.id), filter, params),
  ) as (sql: Sql, values: object, filter: V) => Promise<Row[]>

  readonly selectTime = statement((sql: Sql, params: any) =>
    sql.selectNoFrom(this.#time(sql, params, 'cursor').as('time')),
  ) as (sql: Sql, values: object) => Promise<{ time: number | null }[]>

  #within(sql: Sql, params: any, alias = 'item') {
    return this.#scope.reduce<any>(
      (query, column) => query.where(`${alias}.${column}`, '=', params[column]),
      sql.selectFrom(`${this.#table} as ${alias}` as any),
    )
  }

  /**
   * The time of the row that the cursor called `name` names; null for a cursor that the list never
   * had. For a membership that ended and began again it is the time of the new one.
   */
  #time(sql: Sql, params: any, name: string): RawBuilder<number | null> {
    const row = this.#within(sql, params, 'before').where(`before.${this.key}`, '=', params[name])
    if (!this.#isMembership) return raw<number | null>`(${row.select('before.created_at')})`
    const left = sql
      .selectFrom('left_memberships')
      .select('created_at')
      .where('organization_id', '=', params.organization_id)
      .where('list_id', '=', params[this.#scope.at(-1)!])
      .where('id', '=', params[name])
    return raw<number | null>`coalesce((${row.select(raw`min(before.created_at)`.as('at'))}), (${left}))`
  }
}

class TableList<Scope extends string, Row, V extends Variant> {
  readonly #queries: TableQueries<Row, V>
  readonly #order: Order

  constructor(queries: TableQueries<Row, V>, { order = 'desc' }: ListOptions<string>) {
    this.#queries = queries
    this.#order = order
  }

  /** A page in the envelope that the API answers with. Throws UnknownCursor. */
  page<Item>(
    sql: Sql,
    values: { [Column in Scope]: string },
    query: PageQuery,
    present: (row: Row) => Item,
    ...[filter]: VariantArgument<V>
  ): Promise<Page<Item>> {
    return readPage(this.#within(sql, values, filter as V), query, present, { order: this.#order })
  }

  /** One row of the list, under the same filters as its pages. */
  async find(
    sql: Sql,
    values: { [Column in Scope]: string },
    id: string,
    ...[filter]: VariantArgument<V>
  ): Promise<Row | undefined> {
    return (await this.#queries.selectOne(sql, { ...values, id }, filter as V))[0]
  }

  #within(sql: Sql, values: object, filter: V): List<Row> {
    const { key, selectRange } = this.#queries
    return {
      idOf: (row) => (row as Record<string, string>)[key]!,
      read: async ({ order, start, end, limit }) => {
        const variant = { order, hasStart: start !== null, hasEnd: end !== null, filter }
        const rows = await selectRange(sql, { ...values, start: start?.id, end: end?.id, limit }, variant)
        if (rows.length === 0)
          for (const cursor of [start, end]) if (cursor) await this.#requireKnown(sql, values, cursor)
        return { rows }
      },
    }
  }

  async #requireKnown(sql: Sql, values: object, { id, param }: Cursor) {
    const [row] = await this.#queries.selectTime(sql, { ...values, cursor: id })
    if (row!.time === null) throw new UnknownCursor(id, param)
  }
}
