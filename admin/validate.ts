/**
 * Reads queries and bodies as the contract describes them, or throws an error that names the
 * member.
 */
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import { invalid, type ApiError } from '../contract/errors.ts'
import { allowsNull, type BodyRule } from '../contract/kit.ts'
import { firstError, kindOf, tooManyItems, unknownParameter } from './validation-errors.ts'

type Values = Record<string, unknown>

/** The keywords of JSON Schema that are read here. */
interface ObjectSchema {
  properties?: Record<string, TSchema>
  required?: string[]
  additionalProperties?: boolean
  items?: TSchema
}

/**
 * Reads the members of a query string that the schema knows; others are ignored. Arrays may be
 * written `k=`, `k[]=` or `k[0]=`.
 */
export function queryReader(schema: TSchema): (search: string) => Values {
  const { properties = {} } = schema as ObjectSchema
  const readers = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, reader(property)]))
  const check = checker(schema)
  return (search) => {
    const values: Values = {}
    if (search !== '') {
      for (const [key, value] of new URLSearchParams(search)) {
        const [, name = '', inner] = /^([^[]+)(?:\[(\w*)\])?$/.exec(key) ?? []
        if (value === '' || !Object.hasOwn(readers, name)) continue
        const read = readers[name]!(value, values[name], inner)
        if (read !== undefined) values[name] = read
      }
    }
    return check(values)
  }
}

type Reader = (text: string, before: unknown, inner: string | undefined) => unknown

/**
 * Text that does not match stays text, and the check then says that an integer was expected. The
 * bound keeps the number finite.
 */
const INTEGER = /^-?\d{1,300}$/

function reader(schema: TSchema): Reader {
  const { type, items, anyOf } = schema as { type?: string | string[]; items?: TSchema; anyOf?: TSchema[] }
  // A query cannot contain null, so its value is read as the other type.
  if (anyOf) return reader(anyOf[0]!)
  const types = [type].flat()
  if (types.includes('array')) {
    const item = reader(items!)
    return (text, before) => [...((before as unknown[]) ?? []), item(text, undefined, undefined)]
  }
  if (types.includes('object')) {
    const inside = (schema as { properties: Record<string, TSchema> }).properties
    return (text, before, inner) => {
      if (!inner || typeof before === 'string') return text
      if (!Object.hasOwn(inside, inner)) return before
      return { ...(before as Values), [inner]: reader(inside[inner]!)(text, undefined, undefined) }
    }
  }
  if (types.includes('integer') || types.includes('number')) return (text) => (INTEGER.test(text) ? Number(text) : text)
  if (types.includes('boolean')) return (text) => ({ true: true, false: false })[text.toLowerCase()] ?? text
  return (text) => text
}

/**
 * Reads a JSON body. Nothing, blanks, `{}` and `null` are all an empty object; `null` for an
 * optional member is as if it were absent.
 */
export function bodyReader(schema: TSchema, rules: readonly BodyRule[] = []): (text: string) => Values {
  const check = checker(schema)
  return (text) => {
    let body: unknown
    try {
      body = text.trim() === '' ? {} : (JSON.parse(text) ?? {})
    } catch {
      throw invalid('The body of the request could not be parsed as JSON.', null, null)
    }
    if (typeof body !== 'object' || Array.isArray(body))
      throw invalid(`Invalid body: expected an object, but got ${kindOf(body)} instead.`, null, 'invalid_type')
    const values = check(withoutNulls(schema, body) as Values)
    for (const rule of rules) requireRule(rule, values)
    return values
  }
}

/**
 * The value without the optional members that are `null`, at any depth, unless the schema itself
 * takes `null` for them.
 */
function withoutNulls(schema: TSchema, value: unknown): unknown {
  const { properties, required = [], items } = schema as ObjectSchema
  if (Array.isArray(value)) return items ? value.map((item) => withoutNulls(items, item)) : value
  if (typeof value !== 'object' || value === null || !properties) return value
  const kept = Object.entries(value).flatMap(([name, member]) => {
    const inner = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (!inner) return [[name, member]]
    return member === null && !required.includes(name) && !allowsNull(inner)
      ? []
      : [[name, withoutNulls(inner, member)]]
  })
  return Object.fromEntries(kept)
}

/**
 * Throws 400 for two members that exclude each other, or when one of two is required and both are
 * missing.
 */
function requireRule(rule: BodyRule, values: Values) {
  const isGiven = (name: string) => values[name] !== undefined && values[name] !== null && values[name] !== false
  if ('atMostOne' in rule) {
    const [one, other] = rule.atMostOne
    if (isGiven(one) && isGiven(other)) throw invalid(`Give only one of '${one}' and '${other}'.`, other)
  } else {
    const [one, other] = rule.atLeastOne
    if (!isGiven(one) && !isGiven(other))
      throw invalid(`Give at least one of '${one}' and '${other}'.`, one, 'missing_required_parameter')
  }
}

/**
 * Checks against a schema, and refuses text that the two engines would store differently. The
 * schema is compiled when it is first needed, because compiling all of them would take a third of
 * the time of a start.
 */
function checker(schema: TSchema) {
  let compiled: ReturnType<typeof Compile> | undefined
  return (values: Values): Values => {
    compiled ??= Compile(schema)
    if (!compiled.Check(values)) throw tooMuch(schema, values) ?? firstError(compiled.Errors(values), values)
    for (const name in values)
      if (!storable(values[name]))
        throw invalid(`Invalid '${name}': text must be well-formed Unicode without NUL.`, name, 'invalid_value')
    return values
  }
}

const DEEPEST = 32

/**
 * Whether every text in a checked value can be stored, and it is not too deep: where a schema takes
 * any object, a caller decides how deep it is.
 */
export function storable(value: unknown, depth = 0): boolean {
  if (depth > DEEPEST) return false
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, inner]) => storable(name) && storable(inner, depth + 1))
}

/**
 * An id that storage cannot hold belongs to no object. It gets replacement characters, so that it
 * is looked up and not found.
 */
export const storableId = (id: string) => (storable(id) ? id : id.toWellFormed().replaceAll('\0', '\uFFFD'))

/**
 * Members that the schema does not know, and lists that are too long: found before TypeBox looks
 * for them, because TypeBox reports at most eight problems, and compares each item of a list with
 * every other.
 */
function tooMuch(schema: TSchema, values: Values): ApiError | undefined {
  const { properties = {}, additionalProperties } = schema as ObjectSchema
  for (const name in values) {
    if (!Object.hasOwn(properties, name)) {
      if (additionalProperties === false) return unknownParameter(name)
      continue
    }
    const value = values[name]
    const most = mostItems(properties[name]!)
    if (Array.isArray(value) && value.length > most) return tooManyItems(name, most, value)
  }
  return undefined
}

/** The `maxItems` of a list schema, also of one that allows null. */
export function mostItems(schema: TSchema): number {
  const { maxItems = Infinity, anyOf } = schema as { maxItems?: number; anyOf?: TSchema[] }
  return anyOf ? Math.min(...anyOf.map(mostItems)) : maxItems
}
