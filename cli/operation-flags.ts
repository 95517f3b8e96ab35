/**
 * The flags of an operation: its path, query and body as one flat list, each with how its text
 * becomes a value.
 */
import type { Operation, TSchema } from '../contract/kit.ts'
import type { Arguments, Flag } from './arguments.ts'
import { kebab } from './commands.ts'
import { lifetimeOf, timeOf } from '../world/durations.ts'
import { wrongUsage } from '../world/failed.ts'
import { suggestion } from '../world/suggestion.ts'

/** The parts of JSON Schema that the contract uses. */
interface Schema {
  type?: string | string[]
  enum?: unknown[]
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  format?: string
  description?: string
  default?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
}

export interface OperationFlag extends Flag {
  /** The member's name in the contract. */
  field: string
  /** The object in the query that the member is in; it has no flag of its own. */
  within?: string
  schema: Schema
}

export function operationFlags({ path, query, body }: Operation): OperationFlag[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) =>
    flagOf(name!, { type: 'string', description: `The ${name!.replaceAll('_', ' ').replace(/ id$/, '')}.` }, true),
  )
  const members = [query, body].flatMap((part) =>
    Object.entries(part.properties as Record<string, TSchema & Schema>).flatMap(([name, schema]) =>
      part === query && schema.properties
        ? Object.entries(schema.properties).map(([field, one]) => ({
            ...flagOf(`${name}_${field}`, one, false),
            field,
            within: name,
          }))
        : [flagOf(name, schema, part.required?.includes(name) ?? false)],
    ),
  )
  return [...inPath, ...members.toSorted((one, other) => Number(other.required) - Number(one.required))]
}

/**
 * The input of a call as one flat object. The last id of the path may stand without its flag.
 * Throws Failed.
 */
export function inputOf(operation: Operation, given: Arguments, now: number): Record<string, unknown> {
  const flags = operationFlags(operation)
  const last = /\{(\w+)\}[^{]*$/.exec(operation.path)?.[1]
  const input: Record<string, unknown> = {}
  for (const flag of flags) {
    const texts = given.flags.get(flag.name)
    if (!texts) continue
    const { within, field } = flag
    const object = within === undefined ? input : ((input[within] ??= {}) as Record<string, unknown>)
    object[field] = valueOf(flag, texts, now)
  }
  const [word, further] = given.words
  if (word !== undefined) {
    if (!last || further !== undefined || last in input)
      throw wrongUsage(`"${further ?? word}" is one word too many here.`)
    input[last] = word
  }
  const missing = flags.find(({ required, field }) => required && !(field in input))
  if (missing) throw wrongUsage(`--${missing.name} is missing: --${missing.name} ${missing.value}.`)
  return input
}

function flagOf(field: string, outer: Schema, required: boolean): OperationFlag {
  const schema = inner(outer)
  const types = [schema.type].flat()
  const repeats = types.includes('array')
  const one = repeats ? inner(schema.items ?? {}) : schema
  return {
    name: kebab(field),
    field,
    schema: outer,
    required,
    repeats,
    value: types.includes('boolean') ? null : placeholder(field, one) + (repeats ? ',…' : ''),
    values: valuesOf(one).length > 0 ? valuesOf(one) : undefined,
    about: aboutOf(outer.description ?? schema.description ?? ''),
    notes: notesOf(outer, one, repeats),
  }
}

/**
 * The contract's sentence, without what holds for the API alone: the command line takes times as
 * people write them.
 */
const aboutOf = (description: string) =>
  description
    .replaceAll('`', '')
    .replace(/^Unix time in seconds\. ?/, '')
    .replace(/^Seconds from now until /, 'How long until ')

/** Without the `null` beside it. */
const inner = (schema: Schema): Schema =>
  schema.anyOf?.length === 2 && schema.anyOf[1]!.type === 'null'
    ? { ...schema.anyOf[0], description: schema.description ?? schema.anyOf[0]!.description }
    : schema

const allowsNull = ({ type, anyOf }: Schema) =>
  [type].flat().includes('null') || (anyOf?.some((one) => one.type === 'null') ?? false)

const valuesOf = (schema: Schema) => (schema.enum ?? []).filter((value) => value !== null).map(String)

function placeholder(field: string, schema: Schema): string {
  const types = [schema.type].flat()
  if (schema.format === 'lifetime' || schema.format === 'unixtime') return 'TIME'
  if (valuesOf(schema).length > 0) return valuesOf(schema).join('|').length <= 24 ? valuesOf(schema).join('|') : 'VALUE'
  if (types.includes('integer') || types.includes('number')) return 'NUMBER'
  if (types.includes('object')) return 'JSON'
  if (/(^|_)ids?$/.test(field) || field === 'after' || field === 'before') return 'ID'
  return 'TEXT'
}

function notesOf(outer: Schema, schema: Schema, repeats: boolean): string[] {
  const { format, minimum, maximum, minLength, maxLength, default: fallback } = schema
  const values = valuesOf(schema)
  return [
    ...(values.length > 0 && placeholder('', schema) === 'VALUE' ? [`one of ${values.join(', ')}`] : []),
    ...(format === 'lifetime' ? ['30d, 12h, 90m, seconds, or a date'] : []),
    ...(format === 'unixtime' ? ['a date, Unix seconds, 30d for 30 days ago, or +30d for in 30 days'] : []),
    ...(!format && minimum !== undefined && maximum !== undefined ? [`${minimum} to ${maximum}`] : []),
    ...(maxLength !== undefined ? [`${minLength ?? 0} to ${maxLength} characters`] : []),
    ...(repeats ? ['several with commas, or the flag again'] : []),
    ...(allowsNull(outer) ? ['or null'] : []),
    ...([schema.type].flat().includes('boolean') && fallback === undefined ? ['=false for the opposite'] : []),
    ...(fallback !== undefined ? [`default: ${JSON.stringify(fallback)}`] : []),
  ]
}

function valueOf(flag: OperationFlag, texts: string[], now: number): unknown {
  const schema = inner(flag.schema)
  if (texts.length === 1 && texts[0] === 'null' && allowsNull(flag.schema)) return null
  if (![schema.type].flat().includes('array')) return scalarOf(flag, schema, texts[0]!, now)
  const items = inner(schema.items ?? {})
  return texts
    .flatMap((text) => (/^\s*[[{]/.test(text) ? [jsonOf(flag, text)].flat() : text === '' ? [] : text.split(',')))
    .map((item) => (typeof item === 'string' ? scalarOf(flag, items, item.trim(), now) : item))
}

function scalarOf(flag: OperationFlag, schema: Schema, text: string, now: number): unknown {
  const types = [schema.type].flat()
  const refuse = (must: string): never => {
    throw wrongUsage(`--${flag.name} must be ${must}, not "${text}".`)
  }
  if (schema.format === 'lifetime')
    return lifetimeOf(text, now) ?? refuse('a lifetime such as 30d, 12h or 90m, or a date')
  if (schema.format === 'unixtime') return timeOf(text, now) ?? refuse('a date, or a time such as 30d for 30 days ago')
  const values = valuesOf(schema)
  if (values.length > 0 && !values.includes(text)) {
    const meant = suggestion(text, values)
    throw wrongUsage(
      `--${flag.name} must be one of ${values.join(', ')}, not "${text}"${meant ? `; did you mean "${meant}"?` : '.'}`,
    )
  }
  if (schema.pattern?.includes('@') && !new RegExp(schema.pattern, 'u').test(text)) refuse('an e-mail address')
  if (types.includes('boolean'))
    return ({ true: true, false: false } as Record<string, boolean>)[text.toLowerCase()] ?? refuse('true or false')
  if (types.includes('integer')) return /^-?\d{1,15}$/.test(text) ? Number(text) : refuse('a whole number')
  if (types.includes('number'))
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : refuse('a number')
  if (types.includes('object') || (schema.anyOf && !types.includes('string'))) return jsonOf(flag, text)
  return text
}

function jsonOf(flag: OperationFlag, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrongUsage(`--${flag.name} must be JSON, and "${text}" is not.`)
  }
}
