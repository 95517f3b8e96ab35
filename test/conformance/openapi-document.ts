/** What OpenAPI 3.1 asks of a document, as far as ours could break it. */
import type { Schema } from './schema-facts.ts'

export interface Parameter {
  name: string
  in: string
  required?: boolean
  schema: Schema
}

export interface DescribedOperation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>
  security?: Record<string, string[]>[]
}

interface SecurityScheme {
  type: string
  scheme?: string
  in?: string
  name?: string
}

export interface OpenApi {
  openapi: string
  info: { title: string; version: string }
  paths: Record<string, Record<string, DescribedOperation>>
  components?: { schemas?: Record<string, Schema>; securitySchemes?: Record<string, SecurityScheme> }
  security?: Record<string, string[]>[]
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']
const types = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']
const keywords = new Set(
  [
    '$ref type enum const anyOf oneOf allOf items properties required additionalProperties description default deprecated',
    'minimum maximum minLength maxLength pattern format minItems maxItems uniqueItems title not propertyNames patternProperties',
  ].flatMap((line) => line.split(' ')),
)

const isScheme = ({ type, scheme, in: place, name }: SecurityScheme) =>
  type === 'http'
    ? Boolean(scheme)
    : type === 'apiKey' && ['query', 'header', 'cookie'].includes(place!) && Boolean(name)

function problemsOfSecurity({ security = [], paths, components: { securitySchemes = {} } = {} }: OpenApi): string[] {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  const asked = [...security, ...operations.flatMap((operation) => operation.security ?? [])]
  const unknown = new Set(asked.flatMap((one) => Object.keys(one)).filter((name) => !securitySchemes[name]))
  const unusable = Object.keys(securitySchemes).filter((name) => !isScheme(securitySchemes[name]!))
  return [
    ...[...unknown].map((name) => `security names ${name}, which is not defined`),
    ...unusable.map((name) => `the security scheme ${name} lacks what its type needs`),
  ]
}

/** Answers what a document breaks, in sentences; none when it is valid. */
export function problemsOf(document: OpenApi): string[] {
  const problems: string[] = []
  const must = (holds: unknown, problem: string) => holds || problems.push(problem)
  must(/^3\.1\.\d+$/.test(document.openapi), 'openapi is not 3.1')
  must(document.info?.title && document.info.version, 'info lacks title or version')
  problems.push(...problemsOfSecurity(document))

  const ids = new Set<string>()
  for (const [path, operations] of Object.entries(document.paths)) {
    must(path.startsWith('/'), `${path} does not begin with /`)
    for (const [method, operation] of Object.entries(operations)) {
      const at = `${method} ${path}`
      must(methods.includes(method), `${at}: no such method`)
      must(!ids.has(operation.operationId), `${at}: operationId ${operation.operationId} is taken`)
      ids.add(operation.operationId)
      checkOperation(at, path, operation)
    }
  }
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) checkSchema(`#/${name}`, schema)
  return problems

  function checkOperation(at: string, path: string, { parameters = [], requestBody, responses }: DescribedOperation) {
    const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`)
    must(new Set(names).size === names.length, `${at}: a parameter is described twice`)
    const inPath = parameters.filter((parameter) => parameter.in === 'path')
    const expected = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    must(
      inPath.every(({ required }) => required) && inPath.map(({ name }) => name).join() === expected.join(),
      `${at}: its path parameters are not those of the path, or not required`,
    )
    for (const parameter of parameters) {
      must(['path', 'query', 'header', 'cookie'].includes(parameter.in), `${at}: ${parameter.name} stands nowhere`)
      checkSchema(`${at} ${parameter.name}`, parameter.schema)
    }
    if (requestBody) checkContent(`${at} body`, requestBody.content)
    must(Object.keys(responses).length > 0, `${at}: no response`)
    for (const [status, response] of Object.entries(responses)) {
      must(/^([1-5]\d\d|[1-5]XX|default)$/.test(status), `${at}: ${status} is no status`)
      must(response.description, `${at} ${status}: no description`)
      if (response.content) checkContent(`${at} ${status}`, response.content)
    }
  }

  function checkContent(at: string, content: Record<string, { schema: Schema }>) {
    must(Object.keys(content).length > 0, `${at}: no media type`)
    for (const { schema } of Object.values(content)) checkSchema(at, schema)
  }

  function checkSchema(at: string, schema: Schema) {
    if (typeof schema !== 'object' || schema === null) return void problems.push(`${at}: no schema`)
    for (const keyword in schema)
      must(keywords.has(keyword), `${at}: ${keyword} is no keyword of JSON Schema that we use`)
    if (schema.$ref) must(refersTo(schema.$ref), `${at}: ${schema.$ref} does not exist`)
    for (const type of [schema.type ?? []].flat()) must(types.includes(type), `${at}: ${type} is no type`)
    if (schema.enum) must(schema.enum.length > 0 && new Set(schema.enum).size === schema.enum.length, `${at}: bad enum`)
    for (const name of schema.required ?? [])
      must(schema.properties?.[name], `${at}: ${name} is required, not described`)
    for (const [name, member] of Object.entries(schema.properties ?? {})) checkSchema(`${at}.${name}`, member)
    if (schema.items) checkSchema(`${at}[]`, schema.items)
    for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])])
      checkSchema(at, branch)
  }

  function refersTo(reference: string) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1]
    return name !== undefined && document.components?.schemas?.[name] !== undefined
  }
}
