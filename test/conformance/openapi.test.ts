import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { operations } from '../../contract/index.ts'
import { openAiFacts } from '../../scripts/openai-facts.ts'
import { startServer, type TestServer } from '../setup.ts'
import { accepted } from './differences.ts'
import { problemsOf, type OpenApi } from './openapi-document.ts'
import { factsIn, fromStored, readStoredFacts, type OperationFacts } from './operation-facts.ts'
import { differences, type Difference } from './schema-facts.ts'

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

  test('says with what each operation is called: a key, or a session and what pages send beside it', () => {
    expect(ours.security).toEqual([{ AdminApiKey: [] }, { Session: [], OwnPage: [] }])
    expect(ours.components!.securitySchemes).toMatchObject({
      AdminApiKey: { type: 'http', scheme: 'bearer' },
      Session: { type: 'apiKey', in: 'cookie', name: '__Host-keyhall' },
      OwnPage: { type: 'apiKey', in: 'header', name: 'x-keyhall-console' },
    })
    const others = operations
      .map(({ name, operation: { method, path } }) => [name, ours.paths[path]![method.toLowerCase()]!.security])
      .filter(([, security]) => security !== undefined)
    expect(Object.fromEntries(others)).toEqual({
      'invites.accept': [],
      'sessions.create': [{ OwnPage: [] }],
      'sessions.links.create': [{ OwnPage: [] }],
    })
  })

  test("agrees with OpenAI's, but for the differences that are accepted", () => {
    const theirs = readStoredFacts()
    const found = operations
      .filter(({ operation }) => !operation.extension)
      .flatMap(({ name, operation: { method, path } }) => {
        const their = theirs[`${method} ${path}`]
        const differing = compare(factsIn(ours, method, path)!, their && fromStored(their))
        return differing.map((difference) => ({ operation: name, ...difference }))
      })
    const isAccepted = (one: Found) => accepted.some((row) => covers(row, one))
    const unknown = found.filter((one) => !isAccepted(one)).map(line)
    const outdated = accepted.filter((row) => !found.some((one) => covers(row, one))).map(line)
    expect({ unknown, outdated }).toEqual({ unknown: [], outdated: [] })
  })

  test.skipIf(!theirFile)("OpenAI's document says what is stored of it", () => {
    const document = JSON.parse(readFileSync(theirFile!, 'utf8')) as OpenApi
    expect(readStoredFacts()).toEqual(JSON.parse(openAiFacts(document)))
  })
})

type Found = Difference & { operation: string }

const line = ({ operation, where, what }: Found) => `${operation} | ${where} | ${what}`

const covers = (row: Found, one: Found) =>
  matches(row.operation, one.operation) && matches(row.where, one.where) && matches(row.what, one.what)

/** `*` stands for any text. */
const matches = (pattern: string, text: string) =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => RegExp.escape(part))
      .join('.*')}$`,
  ).test(text)

function compare(ours: OperationFacts, theirs: OperationFacts | undefined): Difference[] {
  if (!theirs) return [{ where: 'operation', what: 'only ours' }]
  const part = (name: keyof OperationFacts, direction: 'sent' | 'answered') =>
    differences(ours[name], theirs[name], direction).map(({ where, what }) => ({
      where: where === '' ? name : `${name} ${where}`,
      what,
    }))
  return [...part('query', 'sent'), ...part('body', 'sent'), ...part('result', 'answered')]
}
