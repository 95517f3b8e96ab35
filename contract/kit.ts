/** The vocabulary in which the contract is written: operations as data, and the few schemas that recur. */
import { Type, type Static, type TObject, type TOptional, type TProperties, type TSchema } from 'typebox'
import type { AuditEvent } from './audit.ts'
import type { AdminScope } from './permissions.ts'

export { Type as t }
export type { Static, TOptional, TProperties, TSchema }

/** One operation of the Administration API. Everything that routes, checks, documents or calls it is derived from this. */
export interface Operation<
  Path extends string = string,
  Audit extends AuditEvent = AuditEvent,
  Query extends TProperties = TProperties,
  Body extends TProperties = TProperties,
  Returns extends TSchema = TSchema,
  Extension extends boolean = boolean,
  Can extends AdminScope | null = AdminScope | null,
> {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below `/v1`, parameters in braces. */
  path: Path
  /** One sentence for the reference, `--help` and OpenAPI. */
  about: string
  /** The scope that the calling admin key must hold; null for the few operations that go without a key, because the body proves enough. */
  can: Can
  /** The events that a successful call can leave in the audit log; none for a read. */
  audit: readonly Audit[]
  query: TObject<Query>
  body: TObject<Body>
  returns: Returns
  /** True for what Keyhall has and OpenAI does not. */
  extension: Extension
}

interface Details<Audit, Query, Body, Returns, Extension, Can> {
  about: string
  can: Can
  audit?: Audit | readonly Audit[]
  query?: Query
  body?: Body
  returns: Returns
  extension?: Extension
}

const operation =
  (method: Operation['method']) =>
  <
    const Path extends string,
    const Returns extends TSchema,
    const Can extends AdminScope | null,
    const Audit extends AuditEvent = never,
    Query extends TProperties = {},
    Body extends TProperties = {},
    Extension extends boolean = false,
  >(
    path: Path,
    details: Details<Audit, Query, Body, Returns, Extension, Can>,
  ): Operation<Path, Audit, Query, Body, Returns, Extension, Can> => ({
    method,
    path,
    about: details.about,
    can: details.can,
    audit: details.audit === undefined ? [] : ([details.audit].flat() as Audit[]),
    query: Type.Object(details.query ?? ({} as Query)),
    body: Type.Object(details.body ?? ({} as Body), { additionalProperties: false }),
    returns: details.returns,
    extension: details.extension ?? (false as Extension),
  })

export const get = operation('GET')
export const post = operation('POST')
export const del = operation('DELETE')

/** The names in braces in a path. */
export type PathParam<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathParam<Rest>
  : never

export type Params<O extends Operation> = { [Name in PathParam<O['path']>]: string }
export type Query<O extends Operation> = Static<O['query']>
export type Body<O extends Operation> = Static<O['body']>
export type Output<O extends Operation> = Static<O['returns']>
export type Events<O extends Operation> = O['audit'][number]

/** An object that names its type, as every OpenAI object does; `description` is the sentence with which the reference begins. */
export const object = <const Name extends string, Properties extends TProperties>(
  name: Name,
  properties: Properties,
  description?: string,
) => Type.Object({ object: Type.Literal(name), ...properties }, description === undefined ? {} : { description })

/** The answer to the end of a membership or assignment, which has no id of its own. */
export const ended = <const Name extends string>(name: Name) =>
  object(`${name}.deleted`, { deleted: Type.Literal(true) })

/** The answer to a delete. */
export const deleted = <const Name extends string>(name: Name) =>
  object(`${name}.deleted`, { id: Type.String(), deleted: Type.Literal(true) })

/** A page walked with `after=last_id`. */
export const list = <Item extends TSchema>(item: Item) =>
  object('list', {
    data: Type.Array(item),
    first_id: nullable(Type.String()),
    last_id: nullable(Type.String()),
    has_more: Type.Boolean(),
  })

/** A page walked with `after=next`. */
export const next = <Item extends TSchema>(item: Item) =>
  object('list', { data: Type.Array(item), has_more: Type.Boolean(), next: nullable(Type.String()) })

/** The order of a list by time, and the one it has when none is asked for. */
export const order = (usual: 'asc' | 'desc') =>
  Type.Optional(
    Type.Unsafe<'asc' | 'desc'>({
      type: 'string',
      enum: ['asc', 'desc'],
      default: usual,
      description: 'Oldest first, or newest first.',
    }),
  )

/** `after` and `limit` of a list. */
export const cursor = (most = 100, usual = 20, least = 1) => ({
  after: Type.Optional(Type.String({ description: 'Answer what comes after the object with this id.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: least,
      maximum: most,
      default: usual,
      description: 'How many objects a page has at the most.',
    }),
  ),
})

/** An object whose members the contract does not name. (`t.Record` would bring 90 kB of TypeBox into the client.) */
export const anyObject = () => Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true })

export const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values })

/** Like `oneOf` on the wire; in types any string, where the SDK's types are that wide. */
export const oneOfOpen = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number] | (string & {})>({ type: 'string', enum: values })

/** `null` beside whatever the schema allows; scalars stay one flat schema, so that errors can name what was expected. */
export const nullable = <Schema extends TSchema>(schema: Schema) => {
  const { type, enum: values } = schema as { type?: unknown; enum?: unknown[] }
  const flat = typeof type === 'string' && type !== 'object' && type !== 'array'
  return Type.Unsafe<Static<Schema> | null>(
    flat
      ? { ...schema, type: [type, 'null'], ...(values && { enum: [...values, null] }) }
      : { anyOf: [schema, { type: 'null' }] },
  )
}

export const optional = Type.Optional

/** The same schema with the sentence that the reference says of it. */
export const described = <Schema extends TSchema>(schema: Schema, description: string): Schema => ({
  ...schema,
  description,
})

export const id = (prefix: string) => Type.String({ description: `Begins with \`${prefix}\`.` })

/** The id of an object, as a request names it: of any form, because it is only looked up. */
export const anyId = (description?: string) =>
  Type.String({ maxLength: 255, ...(description !== undefined && { description }) })

/** A point in time, in whole seconds since 1970, UTC; with what happened then. */
export const time = (what?: string) =>
  Type.Integer({
    format: 'unixtime',
    description: what ? `Unix time in seconds. ${what}.` : 'Unix time in seconds.',
  })

/** What people call a thing: 1 to 255 characters. */
export const name = () => Type.String({ minLength: 1, maxLength: 255 })

/** An e-mail address, as far as its shape can tell: at most 254 characters, with nothing in it that has a meaning in a mail header. */
export const email = (description?: string) =>
  Type.String({
    minLength: 3,
    maxLength: 254,
    pattern: '^[^\\s\\p{C}@<>()\\[\\]\\\\,;:"]+@[^\\s\\p{C}@<>()\\[\\]\\\\,;:"]+$',
    ...(description !== undefined && { description }),
  })

/** A lifetime given in a request: at most a year, as OpenAI has it. */
export const lifetime = () =>
  Type.Integer({
    format: 'lifetime',
    minimum: 1,
    maximum: 31_536_000,
    description: 'Seconds from now until the key expires.',
  })
