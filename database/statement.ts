/**
 * A query that is built and compiled once for each engine and variant, then run with values:
 * building a query costs as much as running it.
 */
import { sql as raw, type CompiledQuery } from 'kysely'
import { returnsRows, runOf } from './kysely.ts'
import type { Sql } from './types.ts'

/** A query builder, or raw SQL: only raw SQL needs the argument. */
interface Query<Row> {
  compile(sql: Sql): CompiledQuery<Row>
}

class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** `params.name` is a placeholder for the value called `name`. */
const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(name as string) }) as any

interface Compiled {
  sql: string
  /** Values that never change, and placeholders. */
  parameters: readonly unknown[]
  hasRows: boolean
}

interface Known extends Compiled {
  /** How often it was run while statements are checked. */
  runs: number
}

/** What changes the text of a query: plain data, compared by its JSON. */
export type Variant = { readonly [name: string]: string | number | boolean | null | readonly Variant[] } | undefined

/** The last argument of a statement: there is none where the statement has no variants. */
export type VariantArgument<V extends Variant> = undefined extends V ? [variant?: V] : [variant: V]

let checks = false

/**
 * How many of the first runs of a statement are checked while statements are checked; after these,
 * one run in so many.
 */
const FIRST_RUNS_CHECKED = 50
const LATER_RUNS_PER_CHECK = 20

/**
 * For tests. From now on a statement is built anew when it is run, and throws when its text or its
 * constants differ from those that were compiled: then its builder reads something besides its
 * arguments, and the first caller's value would be used for everybody. After the first runs only
 * some are checked, because building costs more than running.
 */
export function checkStatements() {
  checks = true
}

/**
 * `build` may read nothing but its arguments: `variant` for what changes the text, `params` for
 * what changes the values only.
 */
export function statement<Values extends object, Row, V extends Variant = undefined>(
  build: (sql: Sql, params: Values, variant: V) => Query<Row>,
) {
  const known = new Statement(build)
  return (sql: Sql, values: Values, ...[variant]: VariantArgument<V>): Promise<Row[]> =>
    known.run(sql, values, variant as V)
}

class Statement<Values extends object, Row, V extends Variant> {
  readonly #build: (sql: Sql, params: Values, variant: V) => Query<Row>
  /** By engine, then by variant. */
  readonly #compiled = new Map<unknown, Map<string, Known>>()

  constructor(build: (sql: Sql, params: Values, variant: V) => Query<Row>) {
    this.#build = build
  }

  async run(sql: Sql, values: Values, variant: V): Promise<Row[]> {
    const { sql: text, parameters, hasRows } = this.#find(sql, variant)
    const bound = parameters.map((parameter) =>
      parameter instanceof Placeholder ? ((values as Record<string, unknown>)[parameter.name] ?? null) : parameter,
    )
    return (await runOf(sql)(text, bound, hasRows)).rows
  }

  #find(sql: Sql, variant: V): Compiled {
    const engine = sql.getExecutor().adapter
    let variants = this.#compiled.get(engine)
    if (!variants) this.#compiled.set(engine, (variants = new Map()))
    const key = variant === undefined ? '' : JSON.stringify(variant)
    let known = variants.get(key)
    if (!known) variants.set(key, (known = { ...this.#compile(sql, variant), runs: 0 }))
    else if (checks && isChecked(++known.runs)) requireSame(known, this.#compile(sql, variant))
    return known
  }

  #compile(sql: Sql, variant: V): Compiled {
    const query = this.#build(sql, placeholders, variant).compile(sql)
    return { sql: query.sql, parameters: query.parameters, hasRows: returnsRows(query) }
  }
}

const isChecked = (run: number) => run <= FIRST_RUNS_CHECKED || run % LATER_RUNS_PER_CHECK === 0

function requireSame(known: Compiled, now: Compiled) {
  const difference =
    known.sql === now.sql
      ? now.parameters.map((one, n) => [shown(known.parameters[n]), shown(one)]).find(([one, other]) => one !== other)
      : [known.sql, now.sql]
  if (difference)
    throw new Error(
      `A statement reads something besides its arguments: it was compiled with ${difference[0]} and is now built with ${difference[1]}.`,
    )
}

const shown = (parameter: unknown) =>
  parameter instanceof Placeholder
    ? `params.${parameter.name}`
    : typeof parameter === 'bigint'
      ? `${parameter}n`
      : JSON.stringify(parameter)

/**
 * A list of values for a statement: `params.name0`, `params.name1`, …; the variant says how many
 * there are.
 */
export const spread = <Value>(name: string, values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((value, index) => [`${name}${index}`, value]))

export const spreadPlaceholders = <Value>(params: Record<string, Value>, name: string, count: number): Value[] =>
  Array.from({ length: count }, (_, index) => params[`${name}${index}`]!)

/**
 * As `lower()` of both engines has it here: only the letters of ASCII change, because the columns
 * sort by bytes.
 */
export const lowerAscii = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** The pattern of `isContained` for texts with `text` in them. */
export const containing = (text: string) => `%${lowerAscii(text).replace(/[\\%_]/g, '\\$&')}%`

/** Whether a column contains the text that `containing` made a pattern of, in whatever case. */
export const isContained = (column: string, pattern: string) =>
  raw<boolean>`lower(${raw.ref(column)}) like ${pattern} escape '\\'`

/**
 * How many placeholders to use for a list of this length, so that lists of all lengths share a few
 * statements. Those that are left over are null.
 */
export const roundedUp = (count: number) => [1, 4, 16, 64].find((size) => size >= count) ?? 100
