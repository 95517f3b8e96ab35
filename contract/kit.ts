/** What the contract is written with: operations as data, and the schemas that recur. */
import { Type, type Static, type TObject, type TOptional, type TProperties, type TSchema, type TUnsafe } from 'typebox'
import type { AuditEvent } from './audit-events.ts'
import type { AdminScope } from './scopes.ts'

export { Type as t }
export type { Static, TOptional, TProperties, TSchema, TUnsafe }

/**
 * One operation of the Administration API. Everything that routes, checks, documents or calls it is
 * derived from this.
 */
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
  /**
   * The scope that the calling admin key must hold; null for an operation that needs no key,
   * because its body authenticates the caller.
   */
  can: Can
  /**
   * Where a person who is signed in must hold the permission: in the organization as a whole, or
   * also in the project that the path names; `own` is for what concerns only the caller, for which
   * a person needs no permission. `filtered` is for reports, of which a person may also ask for a
   * part: for projects in which they hold the permission (`project_ids`), or for what they used
   * themselves (`user_ids`). An admin key always needs its scope.
   */
  reach: Reach
  /**
   * Whether only pages of this server may call it, although it needs no key: it signs somebody in.
   */
  fromPage: boolean
  /** The events that a successful call can leave in the audit log; none for a read. */
  audit: readonly Audit[]
  /** Why a change leaves no event; null for a change that leaves one, and for a read. */
  unaudited: string | null
  query: TObject<Query>
  /**
   * Any optional member may be sent as `null`, which is as if it were absent. Where the schema
   * itself allows `null`, it clears the value, and the answer then shows `null`.
   */
  body: TObject<Body>
  /** Rules about which members go together. */
  bodyRules: readonly BodyRule[]
  returns: Returns
  /** True for what Keyhall has and OpenAI does not. */
  extension: Extension
}

export type Reach = 'organization' | 'project' | 'own' | 'filtered'

/**
 * At most or at least one of these members is given. A member that is `null` or `false` is not
 * given.
 */
export type BodyRule = { atMostOne: readonly [string, string] } | { atLeastOne: readonly [string, string] }

interface Details<Audit, Query, Body, Returns, Extension, Can> {
  about: string
  can: Can
  reach?: Reach
  fromPage?: boolean
  audit?: Audit | readonly Audit[]
  unaudited?: string
  query?: Query
  body?: Body
  bodyRules?: readonly BodyRule[]
  returns: Returns
  extension?: Extension
}

/** An object in a body: a member that it does not name is refused. */
export const closedObject = <Properties extends TProperties>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false })

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
    reach: details.reach ?? 'organization',
    fromPage: details.fromPage ?? false,
    audit: details.audit === undefined ? [] : ([details.audit].flat() as Audit[]),
    unaudited: details.unaudited ?? null,
    query: Type.Object(details.query ?? ({} as Query)),
    body: closedObject(details.body ?? ({} as Body)),
    bodyRules: details.bodyRules ?? [],
    returns: details.returns,
    extension: details.extension ?? (false as Extension),
  })

export const get = operation('GET')
export const post = operation('POST')
export const del = operation('DELETE')

/** Operations that are also open to people who hold the permission in the project of the path. */
export const reachingProjects = <Operations extends object>(operations: Operations): Operations =>
  Object.fromEntries(
    Object.entries(operations).map(([name, one]) => [name, { ...one, reach: 'project' }]),
  ) as Operations

/** The parameters of a path. */
export type PathParam<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathParam<Rest>
  : never

export type Params<O extends Operation> = { [Name in PathParam<O['path']>]: string }
export type Query<O extends Operation> = Static<O['query']>
/** The body as a handler gets it. */
export type Body<O extends Operation> = Static<O['body']>
/** The body as a client may send it: with `null` for any optional member. */
export type SentBody<O extends Operation> = {
  [Name in keyof Body<O>]: {} extends Pick<Body<O>, Name> ? Body<O>[Name] | null : Body<O>[Name]
}
export type Output<O extends Operation> = Static<O['returns']>
export type Events<O extends Operation> = O['audit'][number]

/**
 * An object that names its type, as every OpenAI object does; `description` is the sentence with
 * which the reference begins.
 */
export const object = <const Name extends string, Properties extends TProperties>(
  name: Name,
  properties: Properties,
  description?: string,
) => Type.Object({ object: Type.Literal(name), ...properties }, description === undefined ? {} : { description })

/** The answer to deleting a membership or an assignment, which has no id of its own. */
export const deletedMembership = <const Name extends string>(name: Name) =>
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

/** The order of a list by time, with its default. */
export const order = (defaultValue: 'asc' | 'desc') =>
  Type.Optional(
    Type.Unsafe<'asc' | 'desc'>({
      type: 'string',
      enum: ['asc', 'desc'],
      default: defaultValue,
      description: 'Oldest first, or newest first.',
    }),
  )

/** `after` and `limit` of a list. */
export const cursor = (most = 100, defaultValue = 20, least = 1) => ({
  after: Type.Optional(Type.String({ description: 'Answers what comes after the object with this id.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: least,
      maximum: most,
      default: defaultValue,
      description: 'The greatest number of objects on a page.',
    }),
  ),
})

/**
 * An object whose members the contract does not name. (`t.Record` would bring 90 kB of TypeBox into
 * the client.)
 */
export const anyObject = () => Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true })

export const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values })

/** Like `oneOf` on the wire; in types any string, where the SDK's types are that wide. */
export const oneOfOpen = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number] | (string & {})>({ type: 'string', enum: values })

/**
 * The schema, also allowing `null`. A scalar stays one flat schema, so that an error can say what
 * was expected.
 */
export const nullable = <Schema extends TSchema>(schema: Schema) => {
  const { type, enum: values } = schema as { type?: unknown; enum?: unknown[] }
  const flat = typeof type === 'string' && type !== 'object' && type !== 'array'
  return Type.Unsafe<Static<Schema> | null>(
    flat
      ? { ...schema, type: [type, 'null'], ...(values && { enum: [...values, null] }) }
      : { anyOf: [schema, { type: 'null' }] },
  )
}

/** Whether a schema made by `nullable` or by hand takes `null`. */
export const allowsNull = (schema: TSchema): boolean => {
  const { type, anyOf } = schema as { type?: string | string[]; anyOf?: TSchema[] }
  return [type].flat().includes('null') || (anyOf?.some(allowsNull) ?? false)
}

export const optional = Type.Optional

/** The same schema with its description for the reference. */
export const described = <Schema extends TSchema>(schema: Schema, description: string): Schema => ({
  ...schema,
  description,
})

export const id = (prefix: string) => Type.String({ description: `Begins with \`${prefix}\`.` })

/** The id of an object in a request. It may have any form, because it is only looked up. */
export const anyId = (description?: string) =>
  Type.String({ maxLength: 255, ...(description !== undefined && { description }) })

/** A Unix time in seconds; `what` describes what happened then. */
export const time = (what?: string) =>
  Type.Integer({
    format: 'unixtime',
    description: what ? `Unix time in seconds. ${what}.` : 'Unix time in seconds.',
  })

/** A Unix time in a query, within the integers that a JSON number keeps exactly. */
export const queryTime = (what?: string) => ({
  ...time(what),
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
})

/** A display name: 1 to 255 characters. */
export const name = () => Type.String({ minLength: 1, maxLength: 255 })

/**
 * An e-mail address by its shape: at most 254 characters, none of which has a meaning in a mail
 * header.
 */
export const email = (description?: string) =>
  Type.String({
    minLength: 3,
    maxLength: 254,
    pattern: '^[^\\s\\p{C}@<>()\\[\\]\\\\,;:"]+@[^\\s\\p{C}@<>()\\[\\]\\\\,;:"]+$',
    ...(description !== undefined && { description }),
  })

/** A lifetime in a request: at most a year, as at OpenAI. */
export const lifetime = () =>
  Type.Integer({
    format: 'lifetime',
    minimum: 1,
    maximum: 31_536_000,
    description: 'Seconds from now until the key expires.',
  })
