/** The contract as an OpenAPI 3.1 document. The schemas are JSON Schema already, so this only arranges them. */
import { operations } from '../contract/index.ts'
import type { Operation } from '../contract/kit.ts'

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
    security: [{ AdminApiKey: [] }],
    paths,
    components: {
      securitySchemes: { AdminApiKey: { type: 'http', scheme: 'bearer', description: 'An admin key, `sk-admin-…`.' } },
      schemas: { ErrorResponse: errorSchema },
    },
  }
}

function describe(name: string, operation: Operation) {
  const { properties: body } = operation.body as { properties: Record<string, unknown>; required?: string[] }
  const error = { description: 'An error.', content: json({ $ref: '#/components/schemas/ErrorResponse' }) }
  return {
    operationId: name.replaceAll('.', '_'),
    summary: operation.about,
    ...(operation.extension && { 'x-keyhall-extension': true }),
    ...(operation.can === null ? { security: [] } : { 'x-required-scope': operation.can }),
    parameters: [...pathParameters(operation.path), ...queryParameters(operation)],
    ...(Object.keys(body).length > 0 && {
      requestBody: { required: (operation.body.required ?? []).length > 0, content: json(operation.body) },
    }),
    responses: { 200: { description: 'Done.', content: json(operation.returns) }, default: error },
  }
}

const json = (schema: unknown) => ({ 'application/json': { schema } })

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))

function queryParameters({ query }: Operation) {
  const required = new Set(query.required ?? [])
  return Object.entries(query.properties as Record<string, { description?: string; type?: string }>).map(
    ([name, schema]) => {
      const { description, ...rest } = schema
      return { name, in: 'query', required: required.has(name), ...(description && { description }), schema: rest }
    },
  )
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
