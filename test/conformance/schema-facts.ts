/** JSON Schemas as flat lists of facts, and how the facts of two of them differ. */

export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  nullable?: boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  [keyword: string]: unknown
}

/** What is known of one place in a schema. */
export interface Fact {
  required: boolean
  types: Set<string>
  /** The only values there can be; null when the type alone decides. */
  values: Set<unknown> | null
  bounds: Record<string, number>
  default: unknown
}

/** Facts by place: `data[].owner.user.id`. */
export type Facts = Map<string, Fact>

const bounds = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'] as const

/** The facts of a schema and all that is inside it. `resolve` answers what a `$ref` stands for. */
export function factsOf(schema: Schema, resolve: (reference: string) => Schema, place = '', required = true): Facts {
  const facts: Facts = new Map()
  gather(schema, place, required, new Set())
  return facts

  function gather(schema: Schema, place: string, required: boolean, above: Set<string>) {
    const { $ref } = schema
    if ($ref) {
      if (!above.has($ref))
        gather({ ...resolve($ref), ...schema, $ref: undefined }, place, required, new Set([...above, $ref]))
      return
    }
    let fact = facts.get(place)
    if (!fact) facts.set(place, (fact = { required, types: new Set(), values: null, bounds: {}, default: undefined }))
    if (schema.default !== undefined) fact.default = schema.default
    for (const bound of bounds) if (typeof schema[bound] === 'number') fact.bounds[bound] = schema[bound] as number
    const values = schema.enum ?? ('const' in schema ? [schema.const] : null)
    if (values) fact.values = new Set([...(fact.values ?? []), ...values.filter((value) => value !== null)])
    const types =
      schema.type ?? values?.map((value) => (value === null ? 'null' : typeof value)) ?? (schema.properties && 'object')
    for (const type of [types ?? []].flat()) fact.types.add(type)
    if (schema.nullable || values?.includes(null)) fact.types.add('null')
    for (const part of schema.allOf ?? []) gather(part, place, required, above)
    for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) gather(branch, place, required, above)
    if (schema.items) gather(schema.items, `${place}[]`, true, above)
    const needed = new Set(schema.required ?? [])
    for (const [name, member] of Object.entries(schema.properties ?? {}))
      gather(member, place === '' ? name : `${place}.${name}`, needed.has(name), above)
  }
}

export interface Difference {
  where: string
  what: string
}

/**
 * Where ours and theirs disagree. What is sent must be taken by us when they take it; what is
 * answered must fit what they promise: a request that allows more and an answer that promises more
 * are no differences. Names, values and bounds are compared both ways.
 */
export function differences(ours: Facts, theirs: Facts, direction: 'sent' | 'answered'): Difference[] {
  const found: Difference[] = []
  for (const place of new Set([...ours.keys(), ...theirs.keys()])) {
    const say = (what: string) => found.push({ where: place, what })
    const [our, their] = [ours.get(place), theirs.get(place)]
    if (!our || !their) {
      // Of a member that one side lacks, what is inside it needs no mention.
      const above = place.replace(/(\.[^.[]+|\[\])$/, '')
      if (above === place || (ours.has(above) && theirs.has(above))) say(our ? 'only ours' : 'only theirs')
      continue
    }
    const [narrow, wide] = direction === 'sent' ? [their, our] : [our, their]
    if (direction === 'sent' ? our.required && !their.required : their.required && !our.required)
      say(`required: ours ${our.required ? 'yes' : 'no'}, theirs ${their.required ? 'yes' : 'no'}`)
    if (wide.types.size > 0 && [...narrow.types].some((type) => !covers(wide.types, type)))
      say(`type: ours ${list(our.types)}, theirs ${list(their.types)}`)
    const values = valueDifference(our.values, their.values, direction)
    if (values) say(values)
    for (const bound of bounds)
      if (our.bounds[bound] !== their.bounds[bound])
        say(`${bound}: ours ${our.bounds[bound] ?? 'none'}, theirs ${their.bounds[bound] ?? 'none'}`)
    if (direction === 'sent' && our.default !== their.default)
      say(`default: ours ${shown(our.default)}, theirs ${shown(their.default)}`)
  }
  return found
}

const shown = (value: unknown) =>
  value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value)

const covers = (types: Set<string>, type: string) => types.has(type) || (type === 'integer' && types.has('number'))

function valueDifference(ours: Set<unknown> | null, theirs: Set<unknown> | null, direction: 'sent' | 'answered') {
  if (!ours || !theirs) {
    const harmless = ours === theirs || (direction === 'answered' ? !theirs : !ours)
    return harmless ? null : `values: ours ${list(ours)}, theirs ${list(theirs)}`
  }
  const [more, less] = [ours.difference(theirs), theirs.difference(ours)]
  const parts = [more.size > 0 && `only ours ${list(more)}`, less.size > 0 && `only theirs ${list(less)}`]
  return more.size + less.size === 0 ? null : `values: ${parts.filter(Boolean).join('; ')}`
}

const list = (set: Set<unknown> | null) => (set ? [...set].map(String).toSorted().join(', ') : 'any')
