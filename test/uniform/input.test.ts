/**
 * What a call may say: refusals of bodies, query members and methods, the same for every operation
 * of the contract.
 */
import { beforeAll, describe, expect, test } from 'bun:test'
import { Compile } from 'typebox/compile'
import { operations } from '../../contract/index.ts'
import { allowsNull, type TSchema } from '../../contract/kit.ts'
import type { Ready } from '../recipe.ts'
import { recipe } from '../recipes.ts'
import { onBothEngines } from '../setup.ts'
import { ask, call, expectError, pathOf, posts, type Answer } from './each.ts'

/** JSON values of every type, of which those are wrong that a schema refuses. */
const ofEveryType = [7, 1.5, 'text', true, ['text'], [7], {}, null]

const wrongValues = (schema: TSchema) => {
  const compiled = Compile(schema)
  return ofEveryType.filter((value) => !compiled.Check(value))
}

const wrongTexts = (schema: TSchema) => {
  const { type, enum: values } = schema as { type?: string | string[]; enum?: unknown[] }
  const types = [type].flat()
  if (values) return ['nonsense']
  if (types.includes('integer')) return ['x', '1.5', '1e3', '0x10', ' 5', '9'.repeat(16), '9'.repeat(30)]
  if (types.includes('boolean')) return ['maybe', '2']
  return []
}

/** Texts that nobody needs, wherever a schema takes any. */
const tooLong = (schema: TSchema): unknown[] => {
  const { type, items, properties } = schema as {
    type?: unknown
    items?: TSchema
    properties?: Record<string, TSchema>
  }
  const types = [type].flat()
  if (types.includes('string')) return [`api.${'a'.repeat(100_000)}.read`]
  if (types.includes('array')) return tooLong(items!).map((item) => [item])
  return Object.entries(properties ?? {}).flatMap(([name, inner]) => tooLong(inner).map((value) => ({ [name]: value })))
}

interface Nested {
  /** As an error names it: `projects[0]`. */
  place: string
  /** What to send for the outermost member, with these members in the object. */
  value: (members: object) => unknown
}

/** The objects inside the members of a body, at any depth. */
function objectsIn(schema: TSchema, place: string[]): Nested[] {
  const { properties, items, anyOf } = schema as {
    properties?: Record<string, TSchema>
    items?: TSchema
    anyOf?: TSchema[]
  }
  const here = properties && place.length > 0 ? [{ place: place.join(''), value: (members: object) => members }] : []
  const members = Object.entries(properties ?? {}).flatMap(([name, inner]) =>
    objectsIn(inner, [...place, place.length > 0 ? `.${name}` : name]).map(({ place: at, value }) => ({
      place: at,
      value: place.length > 0 ? (given: object) => ({ [name]: value(given) }) : value,
    })),
  )
  const listed = items
    ? objectsIn(items, [...place, '[0]']).map(({ place: at, value }) => ({
        place: at,
        value: (given: object) => [value(given)],
      }))
    : []
  return [...here, ...members, ...listed, ...(anyOf ?? []).flatMap((branch) => objectsIn(branch, place))]
}

const isFreeText = (schema: TSchema) => {
  const { type, enum: values, pattern } = schema as { type?: string | string[]; enum?: unknown[]; pattern?: string }
  return [type].flat().includes('string') && !values && pattern === undefined
}

/** A text that the schema takes. */
const someText = (schema: TSchema) => (schema as { enum?: string[] }).enum?.[0] ?? 'Something'

const unstorable = ['a\u0000b', 'a\ud800b', '\udc00']

onBothEngines('input', (server) => {
  for (const { name, operation } of posts)
    describe(name, () => {
      const { properties, required = [] } = operation.body as unknown as {
        properties: Record<string, TSchema>
        required?: string[]
      }
      let ready: Ready
      beforeAll(async () => {
        ready = await recipe(name).prepare(server())
        await server().events()
      })
      const send = (body: unknown) => call(server(), operation, ready, { body })

      test('refuses a body that is not a JSON object', async () => {
        for (const body of ['{', 'name=x', '{"name":', "{'a':1}", '{}{}', '\u0000', '{"a":"\n"}'])
          expectError(await send(body), 400, { code: null, param: null, message: 'JSON' })
        for (const body of ['[]', '"text"', '7', 'true'])
          expectError(await send(body), 400, { code: 'invalid_type', param: null })
      })

      for (const [member, schema] of Object.entries(properties))
        for (const value of tooLong(schema))
          test(`refuses a text without an end for "${member}", in few words`, async () => {
            const answer = await send({ ...ready.body, [member]: value })
            // Without a key, a body of that size is not even read.
            if (operation.can === null) expectError(answer, 413)
            else {
              expectError(answer, 400)
              expect(answer.json.error.param).toStartWith(member)
            }
            expect(answer.text.length).toBeLessThan(1000)
          })

      test('refuses bytes that are not UTF-8', async () => {
        const request = new Request(`http://keyhall.test/v1${pathOf(operation, ready.params)}`, {
          method: operation.method,
          headers: { ...ready.headers, authorization: `Bearer ${server().admin_key}` },
          body: Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"}')]),
        })
        const response = await server().fetch(request)
        expect(response.status).toBe(400)
      })

      test('refuses a body without end', async () => {
        const body = JSON.stringify({ ...ready.body, name: 'a'.repeat(2_000_000) })
        expectError(await send(body), 413, { code: 'request_too_large' })
      })

      for (const unknown of ['unheard_of', 'organization_id', 'id', '__proto__', 'constructor', 'toString', ''])
        test(`refuses the unknown member "${unknown}"`, async () => {
          const known = JSON.stringify(ready.body ?? {}).slice(1, -1)
          const body = `{${JSON.stringify(unknown)}:{"a":1}${known && `,${known}`}}`
          expectError(await send(body), 400, { code: 'unknown_parameter', param: unknown })
        })

      for (const [member, schema] of Object.entries(properties)) {
        for (const value of wrongValues(schema).filter((value) => value !== null || required.includes(member)))
          test(`refuses ${JSON.stringify(value)} for "${member}"`, async () => {
            const answer = await send({ ...ready.body, [member]: value })
            expectError(answer, 400)
            expect(answer.json.error.param).toMatch(new RegExp(`^${member}(\\[\\d+\\]|\\.\\w+)?$`))
          })

        for (const text of unstorable)
          test(`refuses text that the engines would store differently in "${member}", ${JSON.stringify(text)}`, async () => {
            const isArray = (schema as { type?: string }).type === 'array'
            const answer = await send({ ...ready.body, [member]: isArray ? [text] : text })
            expectError(answer, 400)
            expect(answer.json.error.message).not.toContain('nested')
            if (isFreeText(schema)) expectError(answer, 400, { message: 'well-formed Unicode without NUL' })
            expect(answer.json.error.param.replace(/\[\d+\]$/, '')).toBe(member)
          })
      }

      for (const member of required)
        test(`needs "${member}"`, async () => {
          const { [member]: _, ...rest } = ready.body!
          expectError(await send(rest), 400, { code: 'missing_required_parameter', param: member })
        })

      for (const { place, value } of objectsIn(operation.body, []))
        test(`refuses an unknown member inside "${place}"`, async () => {
          const [member] = place.split(/[.[]/)
          const answer = await send({ ...ready.body, [member!]: value({ colour: 'red' }) })
          expectError(answer, 400, { code: 'unknown_parameter', param: `${place}.colour` })
        })

      test('none of these refusals changed anything', async () => {
        expect(await server().events()).toEqual({})
      })

      for (const [member, schema] of Object.entries(properties)) {
        if (required.includes(member)) continue
        const empties = allowsNull(schema) && operation.path.endsWith('}')
        test(`takes null for "${member}" ${empties ? 'to empty it' : 'as if it were absent'}`, async () => {
          const answers = []
          for (const value of [null, undefined]) {
            const { params, body } = await recipe(name).prepare(server())
            const send = (body: object) => call(server(), operation, { params }, { body })
            if (empties) expect((await send({ [member]: someText(schema) })).json[member]).toBe(someText(schema))
            answers.push(await send({ ...body, [member]: value }))
          }
          const [withNull, without] = answers as [Answer, Answer]
          expect([withNull.status, withNull.json.error?.code]).toEqual([without.status, without.json.error?.code])
          expect(Object.keys(withNull.json)).toEqual(Object.keys(without.json))
          if (empties) expect([withNull.json[member], without.json[member]]).toEqual([null, someText(schema)])
          await server().events()
        })
      }

      test('takes no body, blanks, {} and null for the same', async () => {
        const answers = []
        for (const body of ['', ' \n', '{}', 'null']) {
          const fresh = await recipe(name).prepare(server())
          const headers = { 'content-type': 'application/json' }
          const { status, json } = await call(server(), operation, { ...fresh, body: undefined }, { body, headers })
          answers.push({ status, code: json.error?.code, param: json.error?.param })
        }
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
        if (required.length > 0) expect(answers[0]).toMatchObject({ status: 400, param: required[0]! })
        await server().events()
      })
    })

  for (const { name, operation } of operations)
    describe(name, () => {
      let ready: Ready
      beforeAll(async () => {
        ready = await recipe(name).prepare(server())
        await server().events()
      })
      const query = operation.query.properties as Record<string, TSchema>

      for (const [member, schema] of Object.entries(query)) {
        for (const text of wrongTexts(schema))
          test(`refuses "${text.slice(0, 9)}" for "${member}" in the query`, async () => {
            const search = new URLSearchParams({ ...ready.query, [member]: text }).toString()
            const code = /^\d{16,}$/.test(text) ? 'integer_above_max_value' : undefined
            expectError(await call(server(), operation, ready, { search }), 400, { param: member, code })
          })

        test(`refuses NUL in "${member}" in the query`, async () => {
          const { [member]: _, ...others } = ready.query ?? {}
          const search = [new URLSearchParams(others).toString(), `${member}=a%00b`].filter(Boolean).join('&')
          const answer = await call(server(), operation, ready, { search })
          expectError(answer, 400)
          expect(answer.json.error.param.replace(/\[\d+\]$/, '')).toBe(member)
        })
      }

      test('does not answer to another method', async () => {
        const path = pathOf(operation, ready.params)
        const allowed = operations
          .filter(({ operation: other }) => matches(other.path, `/v1${path}`))
          .map((other) => other.operation.method)
        for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']) {
          if (allowed.includes(method as 'GET')) continue
          const answer = await ask(server(), method, path)
          expectError(answer, 405, { code: 'method_not_supported', param: null })
          expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(allowed.toSorted())
          expectError(await ask(server(), method, path, { key: null }), 401)
        }
      })

      test('is at one address only', async () => {
        const path = pathOf(operation, ready.params)
        const others = [
          `${path}/`,
          `/${path}`,
          path.replace('/organization/', '/organization//'),
          path.replace('/organization', '/Organization'),
          `${path}/..`,
          `${path}/much/more/than/there/is`,
          path.replace('/organization/', '/organization%2F'),
          `/..${path}`,
        ]
        for (const other of others.filter((one) => one !== path)) {
          const { pathname } = new URL(`http://keyhall.test/v1${other}`)
          // What the URL itself resolves is another address, which may be somebody's.
          if (other.includes('..') && operations.some(({ operation: { path } }) => matches(path, pathname))) continue
          const answer = await ask(server(), operation.method, other, { body: ready.body })
          expectError(answer, 404, { code: null, param: null, message: 'Invalid URL' })
          if (pathname.startsWith('/v1/'))
            expectError(await ask(server(), operation.method, other, { body: ready.body, key: null }), 401)
        }
      })

      test('none of these refusals changed anything', async () => {
        expect(await server().events()).toEqual({})
      })
    })
})

const matches = (path: string, pathname: string) =>
  new RegExp(`^/v1${path.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname)
