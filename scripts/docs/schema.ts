/** JSON Schema in words, and tables that read well as plain text too. */

export interface Schema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  description?: string
  default?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  pattern?: string
}

const code = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

/** What a value may be: `integer from 1 to 100`, or `null`. */
export function typeInWords(schema: Schema): string {
  const { anyOf, oneOf, type } = schema
  if ('const' in schema) return code(schema.const)
  if (schema.enum) return `one of ${schema.enum.map(code).join(', ')}`
  const branches = anyOf ?? oneOf
  if (branches) return [...new Set(branches.flatMap((branch) => typeInWords(branch).split(', or ')))].join(', or ')
  const one = [type].flat().filter((name) => name !== undefined)
  if (one.length > 1) return one.map((name) => typeInWords({ ...schema, type: name })).join(', or ')
  switch (one[0]) {
    case 'null':
      return '`null`'
    case 'integer':
    case 'number':
      return `${one[0]}${range(schema.minimum, schema.maximum, '')}`
    case 'string':
      return `string${range(schema.minLength, schema.maxLength, ' characters')}${schema.pattern ? ` like ${code(schema.pattern)}` : ''}`
    case 'array':
      return `list${range(schema.minItems, schema.maxItems, ' items')} of ${schema.items ? typeInWords(schema.items) : 'anything'}`
    default:
      return one[0] ?? 'anything'
  }
}

/**
 * Objects that an item can be one of, as one object: a member is always there if each of them has
 * it.
 */
export function joined(schema: Schema): Schema {
  const [first, ...others] = schema.anyOf ?? []
  if (!first?.properties || !others.every(({ properties }) => properties)) return schema
  const one = others.reduce(joinTwo, first)
  return { ...one, description: schema.description ?? one.description }
}

function joinTwo(one: Schema, other: Schema): Schema {
  if (JSON.stringify(one) === JSON.stringify(other)) return one
  const [some, others] = [valuesOf(one), valuesOf(other)]
  if (some && others)
    return { enum: [...new Set([...some, ...others])], description: one.description ?? other.description ?? '' }
  if (!one.properties || !other.properties)
    return { anyOf: [one, other], description: [one, other].flatMap((schema) => schema.description ?? []).join(' ') }
  const names = [...new Set([...Object.keys(one.properties), ...Object.keys(other.properties)])]
  const properties = names.map((name) => {
    const [first, second] = [one.properties![name], other.properties![name]]
    return [name, first && second ? joinTwo(first, second) : (first ?? second)!]
  })
  const required = (one.required ?? []).filter((name) => other.required?.includes(name))
  return { type: 'object', properties: Object.fromEntries(properties), required }
}

/** The only values that it may have; undefined where there are others. */
const valuesOf = (schema: Schema) => ('const' in schema ? [schema.const] : schema.enum)

function range(least: number | undefined, most: number | undefined, unit: string) {
  if (least !== undefined && most !== undefined) return ` (${least} to ${most}${unit})`
  if (least !== undefined) return ` (at least ${least}${unit})`
  return most === undefined ? '' : ` (at most ${most}${unit})`
}

/**
 * One row per member: its name (members inside members with a dot), what it may be, and what it
 * means.
 */
export function members(schema: Schema, prefix = ''): string[][] {
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const notes = [
      member.default !== undefined && `Default ${code(member.default)}.`,
      member.uniqueItems && 'No item twice.',
      member.description,
    ].filter(Boolean)
    const inner = inside(member)
    return [
      [code(prefix + name), typeInWords(member), required.has(name) ? 'yes' : 'no', notes.join(' ')],
      ...(inner ? members(inner.schema, `${prefix}${name}${inner.list ? '[]' : ''}.`) : []),
    ]
  })
}

/** The object that a member is or holds, if it has members to describe. */
function inside(member: Schema): { schema: Schema; list: boolean } | null {
  if (member.properties) return { schema: member, list: false }
  if (member.items?.properties) return { schema: member.items, list: true }
  for (const branch of member.anyOf ?? member.oneOf ?? []) {
    const found = inside(branch)
    if (found) return found
  }
  return null
}

/** A Markdown table with its columns aligned, without the columns that are empty in every row. */
export function table(heads: string[], rows: string[][]): string {
  const used = heads.map((_, column) => column).filter((column) => rows.some((row) => row[column]))
  const cells = [heads, ...rows].map((row) => used.map((column) => (row[column] ?? '').replaceAll('|', '\\|')))
  const widths = used.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)))
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const [head, ...body] = cells
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
