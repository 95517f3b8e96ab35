/** A query that is built and compiled once per engine and shape, then run with values: building costs as much as running. */
import type { Compilable } from 'kysely'
import { returnsRows, runOf } from './kysely.ts'
import type { Sql } from './open.ts'

class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** `$.name` stands where the value called `name` comes later. */
const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(name as string) }) as any

/** `shape` is for what changes the text of the query, `$` for what only changes its values. */
export function statement<Values extends object, Row, Shape extends string = ''>(
  build: (sql: Sql, $: Values, shape: Shape) => Compilable<Row>,
) {
  const compiled = new Map<unknown, Map<string, Compiled>>()
  const compile = (sql: Sql, shape: Shape): Compiled => {
    const query = build(sql, placeholders, shape).compile()
    return { sql: query.sql, parameters: query.parameters, rows: returnsRows(query) }
  }
  return async (sql: Sql, values: Values, shape = '' as Shape): Promise<Row[]> => {
    const engine = sql.getExecutor().adapter
    let shapes = compiled.get(engine)
    if (!shapes) compiled.set(engine, (shapes = new Map()))
    let known = shapes.get(shape)
    if (!known) shapes.set(shape, (known = compile(sql, shape)))
    const parameters = known.parameters.map((parameter) =>
      parameter instanceof Placeholder ? ((values as Record<string, unknown>)[parameter.name] ?? null) : parameter,
    )
    return (await runOf(sql)(known.sql, parameters, known.rows)).rows
  }
}

interface Compiled {
  sql: string
  /** Values that never change, and placeholders. */
  parameters: readonly unknown[]
  rows: boolean
}

/** A list of values for a statement: `$.name0`, `$.name1`, …; the shape says how many there are. */
export const spread = <Value>(name: string, values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((value, index) => [`${name}${index}`, value]))

/** The placeholders of such a list, for `where … in`. */
export const spreadPlaceholders = <Value>($: Record<string, Value>, name: string, count: number): Value[] =>
  Array.from({ length: count }, (_, index) => $[`${name}${index}`]!)

/** As `lower()` of both engines has it here: only the letters of ASCII change, because the columns sort by bytes. */
export const lowerAscii = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** How many places to keep for a list of this length, so that lists of all lengths share a few statements; those left over are null. */
export const roundedUp = (count: number) => [1, 4, 16, 64].find((size) => size >= count) ?? 100
