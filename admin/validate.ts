/** From what came over the wire to what the contract says, or an error that names the member. */
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import { ApiError, invalid, type InvalidCode } from '../contract/errors.ts'
import { maskKeys } from '../keys/format.ts'

type Values = Record<string, unknown>

const DEEPEST = 32

/** Reads the members of a query string that the schema knows; others are ignored. Arrays may be written `k=`, `k[]=` or `k[0]=`. */
export function queryReader(schema: TSchema): (search: string) => Values {
  const { properties = {} } = schema as { properties?: Record<string, TSchema> }
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

function reader(schema: TSchema): Reader {
  const { type, items } = schema as { type?: string | string[]; items?: TSchema }
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
  if (types.includes('integer') || types.includes('number'))
    return (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text)
  if (types.includes('boolean')) return (text) => ({ true: true, false: false })[text.toLowerCase()] ?? text
  return (text) => text
}

/** Reads a JSON body. Nothing, blanks, `{}` and `null` are all an empty object. */
export function bodyReader(schema: TSchema): (text: string) => Values {
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
    return check(body as Values)
  }
}

/** Checks against a schema, and refuses text that the two engines would store differently. */
function checker(schema: TSchema) {
  const compiled = Compile(schema)
  return (values: Values): Values => {
    if (!compiled.Check(values)) throw tooMuch(schema, values) ?? firstError(compiled.Errors(values), values)
    for (const name in values)
      if (!storable(values[name], 1)) throw invalid(`Invalid '${name}': ${UNSTORABLE}`, name, 'invalid_value')
    return values
  }
}

const UNSTORABLE = 'text must be well-formed Unicode without NUL, and nested at most 32 deep.'

export function storable(value: unknown, depth = 1): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return true
  return depth < DEEPEST && Object.entries(value).every(([name, inner]) => storable(name) && storable(inner, depth + 1))
}

/**
 * Members that the schema does not know, and lists that are too long: found before TypeBox looks for them, which names eight problems at
 * the most, and compares each item of a list with every other.
 */
function tooMuch(schema: TSchema, values: Values): ApiError | undefined {
  const { properties = {}, additionalProperties } = schema as {
    properties?: Record<string, TSchema>
    additionalProperties?: boolean
  }
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

/** How many items the longest list has that a schema allows; some stand beside null. */
export function mostItems(schema: TSchema): number {
  const { maxItems = Infinity, anyOf } = schema as { maxItems?: number; anyOf?: TSchema[] }
  return anyOf ? Math.min(...anyOf.map(mostItems)) : maxItems
}

const unknownParameter = (name: string) =>
  invalid(`Unknown parameter: '${shown(name)}'.`, shown(name), 'unknown_parameter')

const tooManyItems = (name: string, most: number, { length }: unknown[]) =>
  invalid(
    `Invalid '${name}': array too long. Expected at most ${most} items, but got ${length} instead.`,
    name,
    'array_above_max_length',
  )

/** What the caller sent, as far as it helps to find it. */
const shown = (value: unknown) => {
  const text = maskKeys(String(value)).toWellFormed()
  return text.length > 100 ? `${text.slice(0, 100).toWellFormed()}…` : text
}

interface Problem {
  keyword: string
  instancePath: string
  params: Record<string, any>
}

const kinds: Record<string, string> = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
  null: 'null',
}

/** The problem that a person would mend first, in the words of OpenAI's codes. */
function firstError(problems: Problem[], values: Values): ApiError {
  const rank = ['additionalProperties', 'boolean', 'required', 'type', 'enum', 'const']
  const order = ({ keyword }: Problem) => (rank.indexOf(keyword) + rank.length + 1) % (rank.length + 1)
  const [problem] = problems.toSorted((a, b) => order(a) - order(b))
  const { keyword, instancePath, params } = problem!
  const path = instancePath.split('/').slice(1)
  const name = path.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text ? `${text}.${part}` : part),
    '',
  )
  const inside = (member: string) => (name ? `${name}.${member}` : member)
  const value = path.reduce<any>((inner, part) => inner?.[part], values)
  const bad = (code: InvalidCode, message: string, param = name) => invalid(message, param, code)
  switch (keyword) {
    case 'additionalProperties':
      return unknownParameter(inside(params.additionalProperties[0]))
    // What TypeBox says of each of them, before it sums them up.
    case 'boolean':
      return unknownParameter(name)
    case 'required': {
      const member = inside(params.requiredProperties[0])
      return bad('missing_required_parameter', `Missing required parameter: '${member}'.`, member)
    }
    case 'type': {
      const expected = [params.type]
        .flat()
        .map((type: string) => kinds[type] ?? type)
        .join(' or ')
      return bad('invalid_type', `Invalid type for '${name}': expected ${expected}, but got ${kindOf(value)} instead.`)
    }
    case 'enum':
    case 'const': {
      const allowed = (params.allowedValues ?? [params.allowedValue]).filter((one: unknown) => one !== null)
      const supported = allowed.map((one: unknown) => `'${one}'`).join(', ')
      return typeof value === 'string' || typeof value === 'number'
        ? bad('invalid_value', `Invalid value: '${shown(value)}'. Supported values are: ${supported}.`)
        : bad(
            'invalid_type',
            `Invalid type for '${name}': expected one of ${supported}, but got ${kindOf(value)} instead.`,
          )
    }
    case 'minimum':
      return bad(
        'integer_below_min_value',
        `Invalid '${name}': integer below minimum value. Expected a value >= ${params.limit}, but got ${value} instead.`,
      )
    case 'maximum':
      return bad(
        'integer_above_max_value',
        `Invalid '${name}': integer above maximum value. Expected a value <= ${params.limit}, but got ${value} instead.`,
      )
    case 'minLength':
      return bad(
        'string_below_min_length',
        `Invalid '${name}': string too short. Expected a string with minimum length ${params.limit}, but got one with length ${value.length} instead.`,
      )
    case 'maxLength':
      return bad(
        'string_above_max_length',
        `Invalid '${name}': string too long. Expected a string with maximum length ${params.limit}, but got one with length ${value.length} instead.`,
      )
    case 'minItems':
      return bad(
        'array_below_min_length',
        `Invalid '${name}': array too short. Expected at least ${params.limit} items, but got ${value.length} instead.`,
      )
    case 'maxItems':
      return tooManyItems(name, params.limit, value)
    case 'uniqueItems':
      return bad('invalid_value', `Invalid '${name}': the same item stands in it twice.`)
    case 'pattern':
      return bad('invalid_value', `Invalid '${name}': '${shown(value)}' does not match the pattern ${params.pattern}.`)
    default:
      return bad('invalid_value', `Invalid '${name || 'body'}'.`)
  }
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : (kinds[typeof value] ?? typeof value)
