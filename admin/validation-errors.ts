/** Turns the problems that TypeBox reports into an error with OpenAI's words and codes. */
import { invalid, type ApiError, type InvalidCode } from '../contract/errors.ts'
import { maskKeys } from '../keys/format.ts'

export interface Problem {
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

/** The name and the value that a JSON pointer points to: `projects[0].id`. */
function placeOf(pointer: string, values: unknown): { name: string; value: any } {
  let name = ''
  let value: any = values
  for (const escaped of pointer.split('/').slice(1)) {
    const part = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    name = Array.isArray(value) ? `${name}[${part}]` : name ? `${name}.${part}` : part
    value = value?.[part]
  }
  return { name, value }
}

/** The error for the problem that a person would correct first. */
export function firstError(problems: Problem[], values: unknown): ApiError {
  const rank = ['additionalProperties', 'boolean', 'required', 'type', 'enum', 'const']
  const order = ({ keyword }: Problem) => (rank.indexOf(keyword) + rank.length + 1) % (rank.length + 1)
  const [problem] = problems.toSorted((a, b) => order(a) - order(b))
  const { keyword, instancePath, params } = problem!
  const { name, value } = placeOf(instancePath, values)
  const inside = (member: string) => (name ? `${name}.${member}` : member)
  switch (keyword) {
    case 'additionalProperties':
      return unknownParameter(inside(params.additionalProperties[0]))
    // TypeBox reports each unknown member with this keyword, before it lists them all.
    case 'boolean':
      return unknownParameter(name)
    case 'required': {
      const member = inside(params.requiredProperties[0])
      return invalid(`Missing required parameter: '${member}'.`, member, 'missing_required_parameter')
    }
    case 'type':
      return wrongType(name, value, params.type)
    case 'enum':
    case 'const':
      return unsupportedValue(name, value, params.allowedValues ?? [params.allowedValue])
    case 'uniqueItems':
      return invalid(`Invalid '${name}': it has the same item twice.`, name)
    case 'pattern':
      return invalid(`Invalid '${name}': '${shown(value)}' does not match the pattern ${params.pattern}.`, name)
    default:
      return Object.hasOwn(bounds, keyword)
        ? outOfBounds(keyword, name, params.limit, value)
        : invalid(`Invalid '${name || 'body'}'.`, name)
  }
}

function wrongType(name: string, value: unknown, type: string | string[]) {
  const expected = [type]
    .flat()
    .map((one) => kinds[one] ?? one)
    .join(' or ')
  const message = `Invalid type for '${name}': expected ${expected}, but got ${kindOf(value)} instead.`
  return invalid(message, name, 'invalid_type')
}

function unsupportedValue(name: string, value: unknown, allowed: (string | number | boolean | null)[]) {
  const supported = allowed
    .filter((one) => one !== null)
    .map((one) => `'${one}'`)
    .join(', ')
  if (typeof value === 'string' || typeof value === 'number')
    return invalid(`Invalid value: '${shown(value)}'. Supported values are: ${supported}.`, name, 'invalid_value')
  const message = `Invalid type for '${name}': expected one of ${supported}, but got ${kindOf(value)} instead.`
  return invalid(message, name, 'invalid_type')
}

/**
 * The code and the words for a value that breaks a bound of the contract, by the keyword of JSON
 * Schema.
 */
const bounds: Record<string, { code: InvalidCode; words: (limit: number, value: any) => string }> = {
  minimum: {
    code: 'integer_below_min_value',
    words: (limit, value) => `integer below minimum value. Expected a value >= ${limit}, but got ${value} instead.`,
  },
  maximum: {
    code: 'integer_above_max_value',
    words: (limit, value) => `integer above maximum value. Expected a value <= ${limit}, but got ${value} instead.`,
  },
  minLength: {
    code: 'string_below_min_length',
    words: (limit, { length }) =>
      `string too short. Expected a string with minimum length ${limit}, but got one with length ${length} instead.`,
  },
  maxLength: {
    code: 'string_above_max_length',
    words: (limit, { length }) =>
      `string too long. Expected a string with maximum length ${limit}, but got one with length ${length} instead.`,
  },
  minItems: {
    code: 'array_below_min_length',
    words: (limit, { length }) => `array too short. Expected at least ${limit} items, but got ${length} instead.`,
  },
  maxItems: {
    code: 'array_above_max_length',
    words: (limit, { length }) => `array too long. Expected at most ${limit} items, but got ${length} instead.`,
  },
}

function outOfBounds(keyword: string, name: string, limit: number, value: unknown) {
  const { code, words } = bounds[keyword]!
  return invalid(`Invalid '${name}': ${words(limit, value)}`, name, code)
}

export const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : (kinds[typeof value] ?? typeof value)

export const unknownParameter = (name: string) =>
  invalid(`Unknown parameter: '${shown(name)}'.`, shown(name), 'unknown_parameter')

export const tooManyItems = (name: string, most: number, items: unknown[]) => outOfBounds('maxItems', name, most, items)

/** A value from the caller for a message: with keys masked, and cut to 100 characters. */
const shown = (value: unknown) => {
  const text = maskKeys(String(value)).toWellFormed()
  return text.length > 100 ? `${text.slice(0, 100).toWellFormed()}…` : text
}
