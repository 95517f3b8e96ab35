/**
 * The contract as an OpenAPI 3.1 document. The schemas are JSON Schema already, so this only
 * arranges them.
 */
import { operations } from '../contract/index.ts'
import { allowsNull, nullable, type BodyRule, type Operation } from '../contract/kit.ts'
import { OWN_PAGE_HEADER, PLAIN_NAME, SECURE_NAME } from '../http/own-pages.ts'

export function openApi() {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { name, operation } of operations)
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = describe(name, operation)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Keyhall',
      version: '1',
      description: 'A self-hosted implementation of the OpenAI Administration API.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/v1' }],
    security: [{ AdminApiKey: [] }, { Session: [], OwnPage: [] }],
    paths,
    components: {
      securitySchemes,
      schemas: { ErrorResponse: errorSchema },
    },
  }
}

/** A session is of use to pages of the server only, so its cookie needs the header beside it. */
const securitySchemes = {
  AdminApiKey: { type: 'http', scheme: 'bearer', description: 'An admin key, `sk-admin-…`.' },
  Session: {
    type: 'apiKey',
    in: 'cookie',
    name: SECURE_NAME,
    description: `The cookie of somebody who is signed in with a browser, set by \`POST /organization/sessions\`; on http at this machine it is called \`${PLAIN_NAME}\`. Not beside an Authorization header.`,
  },
  OwnPage: {
    type: 'apiKey',
    in: 'header',
    name: OWN_PAGE_HEADER,
    description:
      "Always `1`. Beside it the browser itself sends `Sec-Fetch-Site: same-origin` and, where something is changed, the server's own address as `Origin`: pages of other sites cannot send these.",
  },
}

function describe(name: string, operation: Operation) {
  const { properties = {}, required = [] } = operation.body as Schema
  const error = { description: 'An error.', content: json({ $ref: '#/components/schemas/ErrorResponse' }) }
  return {
    operationId: name.replaceAll('.', '_'),
    summary: operation.about,
    ...(operation.extension && { 'x-keyhall-extension': true }),
    ...(operation.can === null
      ? { security: operation.fromPage ? [{ OwnPage: [] }] : [] }
      : { 'x-required-scope': operation.can }),
    parameters: [...pathParameters(operation.path), ...queryParameters(operation)],
    ...(Object.keys(properties).length > 0 && {
      requestBody: { required: required.length > 0, content: json(bodySchema(operation)) },
    }),
    responses: { 200: { description: 'Done.', content: json(operation.returns) }, default: error },
  }
}

const json = (schema: unknown) => ({ 'application/json': { schema } })

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))

/** An empty value is as if the parameter were absent. */
function queryParameters({ query }: Operation) {
  const { properties = {}, required = [] } = query as Schema
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = withoutNul(schema)
    return {
      name,
      in: 'query',
      required: required.includes(name),
      allowEmptyValue: true,
      ...(schema.type === 'object' && { style: 'deepObject', explode: true }),
      ...(description !== undefined && { description }),
      schema: rest,
    }
  })
}

/** The keywords of JSON Schema that are read or written here. */
interface Schema {
  type?: string | string[]
  description?: string
  enum?: unknown[]
  pattern?: string
  anyOf?: Schema[]
  allOf?: Schema[]
  not?: Schema
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
}

/**
 * The body as the server takes it: also `null` where no member is required, and with the rules
 * about members that exclude or need each other.
 */
function bodySchema({ body, bodyRules }: Operation): Schema {
  const schema = withNulls(withoutNul(body as Schema))
  return {
    ...schema,
    ...(!schema.required?.length && bodyRules.every((rule) => 'atMostOne' in rule) && { type: ['object', 'null'] }),
    ...(bodyRules.length > 0 && { allOf: bodyRules.map((rule) => ({ not: brokenBy(rule) })) }),
  }
}

/** The bodies that break a rule: both members are given, or neither is. */
function brokenBy(rule: BodyRule): Schema {
  const absent = { enum: [null, false] }
  if ('atLeastOne' in rule)
    return { type: 'object', properties: Object.fromEntries(rule.atLeastOne.map((name) => [name, absent])) }
  return {
    type: 'object',
    required: [...rule.atMostOne],
    properties: Object.fromEntries(rule.atMostOne.map((name) => [name, { not: absent }])),
  }
}

const WITHOUT_NUL = '^[^\\u0000]*$'

/** The schema, with a pattern on every free text that excludes NUL. */
function withoutNul(schema: Schema): Schema {
  const isFreeText = [schema.type].flat().includes('string') && !schema.enum && schema.pattern === undefined
  return inside(isFreeText ? { ...schema, pattern: WITHOUT_NUL } : schema, withoutNul)
}

/** The schema, with every optional member also taking `null`. */
function withNulls(schema: Schema): Schema {
  const { required = [] } = schema
  return inside(schema, (inner, name) => {
    const isOptional = name !== null && !required.includes(name)
    return isOptional && !allowsNull(inner) ? (nullable(withNulls(inner)) as Schema) : withNulls(inner)
  })
}

/**
 * Applies `change` to the schemas directly inside this one; `name` is that of a member, and null
 * for items and branches.
 */
function inside(schema: Schema, change: (inner: Schema, name: string | null) => Schema): Schema {
  const { anyOf, items, properties } = schema
  const members = Object.entries(properties ?? {}).map(([name, inner]) => [name, change(inner, name)])
  return {
    ...schema,
    ...(anyOf && { anyOf: anyOf.map((branch) => change(branch, null)) }),
    ...(items && { items: change(items, null) }),
    ...(properties && { properties: Object.fromEntries(members) }),
  }
}

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
}
