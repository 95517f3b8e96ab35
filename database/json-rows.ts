/**
 * Rows that are handed to a statement as one value: the text of the statement is the same for any
 * number of them, and so is the number of its parameters.
 */
import { sql as raw, type RawBuilder } from 'kysely'

/** A column whose rows have no value there is null. */
export type JsonColumns<Row> = {
  readonly [Column in keyof Row]-?: NonNullable<Row[Column]> extends string ? 'text' : 'bigint'
}

declare const row: unique symbol
/** The JSON of an array of such rows. */
export type JsonOf<Row> = string & { readonly [row]: Row }

export const jsonOf = <Row extends object>(rows: readonly Row[]) => JSON.stringify(rows) as JsonOf<Row>

/** Stands in a `from`, and is called `given` there. `rows` may be a placeholder for them. */
export function jsonRows<Row extends object>(
  engine: 'sqlite' | 'postgres',
  columns: JsonColumns<Row>,
  rows: JsonOf<Row>,
): RawBuilder<Row> {
  const names = Object.keys(columns)
  if (engine === 'postgres') {
    const types = names.map((name) => raw`${raw.ref(name)} ${raw.raw(columns[name as keyof Row])}`)
    return raw`json_to_recordset(cast(cast(${rows} as text) as json)) as given(${raw.join(types)})`
  }
  const values = names.map((name) => raw`value ->> ${raw.lit(`$.${name}`)} as ${raw.ref(name)}`)
  return raw`(select ${raw.join(values)} from json_each(${rows})) as given`
}
