/**
 * What an OpenAPI document says of an operation, as facts; and the facts of OpenAI's document,
 * which are shipped as data.
 */
import { readFileSync } from 'node:fs'
import type { DescribedOperation, OpenApi } from './openapi-document.ts'
import { factsOf, type Fact, type Facts, type Schema } from './schema-facts.ts'

export interface OperationFacts {
  query: Facts
  body: Facts
  result: Facts
}

/** Undefined for an operation that the document does not have. */
export function factsIn(document: OpenApi, method: string, path: string): OperationFacts | undefined {
  const operation = document.paths[path]?.[method.toLowerCase()]
  if (!operation) return undefined
  const resolve = (reference: string) => document.components!.schemas![reference.split('/').at(-1)!]!
  const { requestBody, responses } = operation
  const body = requestBody?.content['application/json']?.schema ?? {}
  const result = (responses[200]?.content?.['application/json']?.schema ?? {}) as Schema
  return {
    query: queryFacts(operation, resolve),
    body: factsOf(body, resolve, '', requestBody?.required ?? false),
    result: factsOf(result, resolve),
  }
}

const queryFacts = ({ parameters = [] }: DescribedOperation, resolve: (reference: string) => Schema): Facts =>
  new Map(
    parameters
      .filter((parameter) => parameter.in === 'query')
      .flatMap(({ name, required = false, schema }) => [
        ...factsOf(schema, resolve, name.replace(/\[\]$/, ''), required),
      ]),
  )

/** A fact as JSON; its types as one text, `string|null`. */
interface StoredFact {
  types: string
  required?: true
  values?: unknown[]
  bounds?: Record<string, number>
  default?: unknown
}
type StoredFacts = Record<keyof OperationFacts, Record<string, StoredFact>>

const FILE = new URL('openai-facts.json', import.meta.url)

/** By `GET /organization/projects`. */
export const readStoredFacts = () => JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, StoredFacts>

export const storedFacts = ({ query, body, result }: OperationFacts): StoredFacts => ({
  query: stored(query),
  body: stored(body),
  result: stored(result),
})

const stored = (facts: Facts) =>
  Object.fromEntries(
    [...facts].map(([place, { required, types, values, bounds, default: initial }]): [string, StoredFact] => [
      place,
      {
        types: [...types].toSorted().join('|'),
        ...(required && { required }),
        ...(values && { values: [...values].toSorted((one, other) => (String(one) < String(other) ? -1 : 1)) }),
        ...(Object.keys(bounds).length > 0 && { bounds }),
        ...(initial !== undefined && { default: initial }),
      },
    ]),
  )

export const fromStored = ({ query, body, result }: StoredFacts): OperationFacts => ({
  query: read(query),
  body: read(body),
  result: read(result),
})

const read = (facts: Record<string, StoredFact>): Facts =>
  new Map(
    Object.entries(facts).map(([place, { types, required = false, values, bounds = {}, ...rest }]): [string, Fact] => [
      place,
      {
        required,
        types: new Set(types === '' ? [] : types.split('|')),
        values: values ? new Set(values) : null,
        bounds,
        default: rest.default,
      },
    ]),
  )
