import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { operations } from '../../contract/index.ts'
import { startServer, type TestServer } from '../setup.ts'
import { accepted } from './differences.ts'
import { problemsOf, type DescribedOperation, type OpenApi } from './openapi-document.ts'
import { differences, factsOf, type Difference, type Facts, type Schema } from './schema-facts.ts'

const root = new URL('../../', import.meta.url)
const places = ['../shared/', '../../shared/'].map(
  (folder) => new URL(`${folder}admin-api/openapi.json`, root).pathname,
)
const theirFile = process.env.TEST_OPENAI_DOCUMENT ?? places.find((path) => existsSync(path))

describe('the OpenAPI document', () => {
  let server: TestServer
  let ours: OpenApi
  beforeAll(async () => {
    server = await startServer('sqlite')
    ours = (await (await server.fetch(new Request('http://keyhall.test/openapi.json'))).json()) as OpenApi
  })
  afterAll(() => server.stop())

  test('is valid OpenAPI 3.1', () => {
    expect(problemsOf(ours)).toEqual([])
  })

  test('describes every operation of the contract', () => {
    const described = Object.entries(ours.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.toSorted()).toEqual(
      operations.map(({ operation: { method, path } }) => `${method} ${path}`).toSorted(),
    )
  })

  test.skipIf(!theirFile)("agrees with OpenAI's, but for the differences that are accepted", () => {
    const theirs = JSON.parse(readFileSync(theirFile!, 'utf8')) as OpenApi
    const found = operations
      .filter(({ operation }) => !operation.extension)
      .flatMap(({ name, operation: { method, path } }) =>
        compare(ours, theirs, method.toLowerCase(), path).map((difference) => ({ operation: name, ...difference })),
      )
    const isAccepted = (one: Found) => accepted.some((row) => covers(row, one))
    const unknown = found.filter((one) => !isAccepted(one)).map(line)
    const outdated = accepted.filter((row) => !found.some((one) => covers(row, one))).map(line)
    expect({ unknown, outdated }).toEqual({ unknown: [], outdated: [] })
  })
})

type Found = Difference & { operation: string }

const line = ({ operation, where, what }: Found) => `${operation} | ${where} | ${what}`

const covers = (row: Found, one: Found) =>
  matches(row.operation, one.operation) && matches(row.where, one.where) && row.what === one.what

/** `*` stands for any text. */
const matches = (pattern: string, text: string) =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => RegExp.escape(part))
      .join('.*')}$`,
  ).test(text)

function compare(ours: OpenApi, theirs: OpenApi, method: string, path: string): Difference[] {
  const [our, their] = [ours.paths[path]?.[method], theirs.paths[path]?.[method]]
  if (!our || !their) return [{ where: 'operation', what: our ? 'only ours' : 'only theirs' }]
  const part = (
    name: string,
    of: (one: DescribedOperation, document: OpenApi) => Facts,
    direction: 'sent' | 'answered',
  ) =>
    differences(of(our, ours), of(their, theirs), direction).map(({ where, what }) => ({
      where: where === '' ? name : `${name} ${where}`,
      what,
    }))
  return [
    ...part('query', queryFacts, 'sent'),
    ...part('body', bodyFacts, 'sent'),
    ...part('result', resultFacts, 'answered'),
  ]
}

const resolver = (document: OpenApi) => (reference: string) =>
  document.components!.schemas![reference.split('/').at(-1)!]!

const queryFacts = ({ parameters = [] }: DescribedOperation, document: OpenApi): Facts =>
  new Map(
    parameters
      .filter((parameter) => parameter.in === 'query')
      .flatMap(({ name, required = false, schema }) => [
        ...factsOf(schema, resolver(document), name.replace(/\[\]$/, ''), required),
      ]),
  )

const bodyFacts = ({ requestBody }: DescribedOperation, document: OpenApi): Facts =>
  factsOf(
    requestBody?.content['application/json']?.schema ?? {},
    resolver(document),
    '',
    requestBody?.required ?? false,
  )

const resultFacts = ({ responses }: DescribedOperation, document: OpenApi): Facts =>
  factsOf((responses[200]?.content?.['application/json']?.schema ?? {}) as Schema, resolver(document))
