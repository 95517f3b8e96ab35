/**
 * What comes over the wire may be anything: the readers answer what the schema says, or an error
 * for the caller, never a crash.
 */
import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { bodyReader, mostItems, queryReader } from '../../admin/validate.ts'
import { ApiError } from '../../contract/errors.ts'
import { operations } from '../../contract/index.ts'
import type { TSchema } from '../../contract/kit.ts'
import { runs } from '../runs.ts'

/** Reads, and if that throws, it must be a 400 in well-formed words. */
function read(reader: (text: string) => Record<string, unknown>, text: string) {
  try {
    return reader(text)
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    const { status, message, param, code } = error as ApiError
    expect(status).toBe(400)
    expect(message).not.toContain('undefined')
    expect(message).not.toContain('[object')
    // The longest lists all audit events; what the caller sent adds little.
    expect(message.length).toBeLessThan(10_000)
    expect([typeof param, typeof code].every((type) => type === 'string' || type === 'object')).toBe(true)
    return null
  }
}

const anyJson = fc.json({ stringUnit: 'binary', maxDepth: 5 })
const names = (schema: TSchema) => Object.keys((schema as { properties: object }).properties)
const strange = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'name[', 'a[b][c]']

for (const { name, operation } of operations) {
  if (operation.method === 'POST')
    describe(`the body of ${name}`, () => {
      const reader = bodyReader(operation.body)
      const accepts = Compile(operation.body)

      test('may be any text', () => {
        fc.assert(
          fc.property(fc.oneof(fc.string({ unit: 'binary' }), anyJson), (text) => {
            const values = read(reader, text)
            if (values) expect(accepts.Check(values)).toBe(true)
          }),
          runs(50),
        )
      })

      test('may have its members hold anything', () => {
        const member = fc.constantFrom(...names(operation.body), ...strange)
        const body = fc.array(
          fc.tuple(
            member,
            fc.oneof(
              anyJson,
              fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
            ),
          ),
        )
        fc.assert(
          fc.property(body, (members) => {
            const text = `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
            const values = read(reader, text)
            if (values) {
              expect(accepts.Check(values)).toBe(true)
              expect(JSON.stringify(values)).not.toMatch(/\\u0000|\\ud[89a-f]/i)
            }
          }),
          runs(100),
        )
      })
    })

  if (names(operation.query).length > 0)
    test(`the query of ${name} may be any text`, () => {
      const reader = queryReader(operation.query)
      const accepts = Compile(operation.query)
      const key = fc
        .tuple(
          fc.constantFrom(...names(operation.query), ...strange),
          fc.constantFrom('', '[]', '[0]', '[gt]', '[', '%5B%5D', '[__proto__]'),
        )
        .map(([one, brackets]) => one + brackets)
      const value = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.integer().map(String),
        fc.constantFrom('', 'true', '%', '%00', '%ED%A0%80', '+'),
      )
      const search = fc
        .array(fc.tuple(key, value))
        .map((pairs) => pairs.map(([one, other]) => `${one}=${other}`).join('&'))
      fc.assert(
        fc.property(fc.oneof(search, fc.string({ unit: 'binary' })), (text) => {
          const values = read(reader, text)
          if (values) expect(accepts.Check(values)).toBe(true)
        }),
        runs(100),
      )
    })
}

describe('a body made to be slow', () => {
  const largest = 1024 * 1024
  const { operation } = operations.find(({ name }) => name === 'projects.apiKeys.create')!
  const reader = bodyReader(operation.body)
  const texts = {
    'of brackets': '['.repeat(largest),
    'of nested members': '{"name":'.repeat(largest / 8),
    'of scopes': `{"scopes":[${'"x",'.repeat(largest / 5)}"y"]}`,
    'of different scopes': `{"scopes":[${Array.from({ length: largest / 9 }, (_, n) => `"a${n}"`).join()}]}`,
    'of one long scope': `{"scopes":["api${'.a'.repeat(largest / 3)}"]}`,
    'of one long name': JSON.stringify({ name: 'x'.repeat(largest - 100) }),
    'of unknown members': `{${Array.from({ length: largest / 12 }, (_, n) => `"m${n}":1`).join()}}`,
  }
  for (const [what, text] of Object.entries(texts))
    test(`${what} is refused`, () => {
      expect(read(reader, text)).toBe(null)
    })
})

test('every list that a caller may send has a longest length, at any depth', () => {
  for (const { name, operation } of operations)
    for (const list of listsIn(operation.body, 'body').concat(listsIn(operation.query, 'query')))
      expect({ name, ...list, bounded: list.most <= 1000 }).toMatchObject({ name, bounded: true })
})

/** The lists in a schema, with their greatest lengths. */
function listsIn(schema: TSchema, place: string): { place: string; most: number }[] {
  const { type, items, anyOf, properties } = schema as {
    type?: string
    items?: TSchema
    anyOf?: TSchema[]
    properties?: Record<string, TSchema>
  }
  return [
    ...(type === 'array' ? [{ place, most: mostItems(schema) }] : []),
    ...(items ? listsIn(items, `${place}[]`) : []),
    ...(anyOf ?? []).flatMap((branch) => listsIn(branch, place)),
    ...Object.entries(properties ?? {}).flatMap(([name, inner]) => listsIn(inner, `${place}.${name}`)),
  ]
}
