/**
 * The server is asked what its OpenAPI document says, with generated requests: what the document
 * allows is never refused for its shape, and what it forbids always is.
 */
import { beforeAll, describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { SignIns } from '../../admin/sessions/sign-ins.ts'
import { operations } from '../../contract/index.ts'
import type { OpenApi } from '../conformance/openapi-document.ts'
import type { Schema } from '../conformance/schema-facts.ts'
import type { Ready } from '../recipe.ts'
import { recipe } from '../recipes.ts'
import { onBothEngines, startServer } from '../setup.ts'
import { call, type Answer } from '../uniform/each.ts'
import { runs } from '../runs.ts'

const server = await startServer('sqlite')
const response = await server.fetch(new Request('http://keyhall.test/openapi.json'))
const document = (await response.json()) as OpenApi
await server.stop()

/**
 * How many buckets a page of usage has at most, by their width; a list without widths has no such
 * bound.
 */
function mostBuckets(query: { bucket_width?: string }, parameters: { name: string; schema: Schema }[]): number {
  const width = parameters.find(({ name }) => name === 'bucket_width')?.schema
  if (!width?.enum?.includes('1m')) return Infinity
  return { '1m': 1440, '1h': 168, '1d': 31 }[query.bucket_width ?? '1d']!
}

/** Anything that the schema allows, and now and then what only its bounds allow. */
function allowed(schema: Schema): fc.Arbitrary<any> {
  const { type, anyOf, items, properties, required = [] } = schema
  const pattern = schema.pattern as string | undefined
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (anyOf) return fc.oneof(...anyOf.map(allowed))
  const types = [type ?? []].flat()
  if (types.length > 1) return fc.oneof(...types.map((one) => allowed({ ...schema, type: one })))
  const { minLength = 0, maxLength = 1000, minItems = 0, maxItems = 100, uniqueItems } = schema as Record<string, any>
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema as Record<string, any>
  switch (types[0] ?? 'string') {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum))
    case 'array':
      return uniqueItems
        ? fc.uniqueArray(allowed(items!), { minLength: minItems, maxLength: Math.min(maxItems, 5) })
        : fc.array(allowed(items!), { minLength: minItems, maxLength: Math.min(maxItems, 5) })
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(properties ?? {}).map(([name, member]) => [name, allowed(member)])),
        { requiredKeys: required },
      )
    default:
      if (pattern?.includes('@')) return fc.stringMatching(/^[a-z]{1,20}@[a-z]{1,20}\.example$/)
      if (pattern && !pattern.includes('u0000'))
        return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= maxLength)
      return fc.oneof(
        fc
          .string({ unit: 'binary', minLength, maxLength: 20 })
          .filter((text) => !text.includes('\0') && text.length >= minLength),
        fc.constantFrom('x'.repeat(Math.max(1, minLength)), 'x'.repeat(maxLength)),
      )
  }
}

/** Values that a schema may forbid. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('', 'a\0b', 'x'.repeat(2000), 0, -1, 2 ** 53, 1.5, [], {}, { colour: 'red' }, [{ colour: 'red' }]),
)

/**
 * Whether an answer refuses the request for what it looks like, whatever there is in the database.
 */
function isRefusal({ status, json }: Answer): boolean {
  if (status !== 400) return false
  const { code, message } = json.error
  return code === 'invalid_value' ? /^(Invalid|Give)\b/.test(message) : code === null || shapeCodes.test(code)
}
const shapeCodes =
  /^(invalid_type|missing_required_parameter|unknown_parameter|(integer|string|array)_(below|above)_.*)$/

/** Query texts for a value, as clients write them. */
const searchOf = (query: Record<string, unknown>) =>
  Object.entries(query)
    // A query cannot say null.
    .filter(([, value]) => value !== null)
    .flatMap(([name, value]): [string, unknown][] => {
      if (Array.isArray(value)) return value.map((one) => [`${name}[]`, one])
      if (typeof value === 'object' && value !== null)
        return Object.entries(value).map(([inner, one]) => [`${name}[${inner}]`, one])
      return [[name, value]]
    })
    .map(([name, value]) => `${name}=${encodeURIComponent(String((value ?? '') as string | number | boolean))}`)
    .join('&')

onBothEngines('the document', (server) => {
  /** Generated keys sign nobody in, and soon there would be too many failures. */
  const forgetFailures = () => void (server().context.signIns = new SignIns(server().world))
  for (const { name, operation } of operations)
    describe(name, () => {
      const described = document.paths[operation.path]![operation.method.toLowerCase()]!
      const body = described.requestBody?.content['application/json']?.schema
      const parameters = (described.parameters ?? []).filter((parameter) => parameter.in === 'query')
      let ready: Ready
      beforeAll(async () => {
        forgetFailures()
        ready = await recipe(name).prepare(server())
      })

      if (body) {
        const compiled = Compile(body as never)
        const bodies = allowed(body).filter((value) => compiled.Check(value))
        const send = (value: unknown) => {
          forgetFailures()
          return call(server(), operation, ready, { body: JSON.stringify(value) })
        }

        test('bodies that it allows are not refused for their shape', () =>
          fc.assert(
            fc.asyncProperty(bodies, async (value) => {
              const answer = await send(value)
              expect({ value, json: answer.json, refused: isRefusal(answer) }).toMatchObject({ refused: false })
            }),
            runs(20),
          ))

        const members = [...Object.keys(body.properties ?? {}), 'unheard_of']
        const broken = fc
          .tuple(bodies, fc.constantFrom(...members), anything)
          .map(([value, member, wrong]) => ({ ...(value as object), [member]: wrong }))
        const missing = fc.tuple(bodies, fc.constantFrom(...members)).map(([value, member]) => {
          const { [member]: _, ...rest } = (value ?? {}) as Record<string, unknown>
          return rest as unknown
        })
        // With every member given, those that exclude each other are too.
        const whole = allowed({ ...body, type: 'object', required: Object.keys(body.properties ?? {}) })
        const forbidden = fc
          .oneof({ weight: 4, arbitrary: broken }, missing, whole, anything)
          .filter((value) => !compiled.Check(value))
        test('bodies that it forbids are refused', () =>
          fc.assert(
            fc.asyncProperty(forbidden, async (value) => {
              const answer = await send(value)
              expect({ value, json: answer.json, refused: isRefusal(answer) }).toMatchObject({ refused: true })
            }),
            runs(40),
          ))
      }

      if (parameters.length > 0) {
        const schema = {
          type: 'object',
          properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.schema])),
          required: parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name),
        }
        const compiled = Compile(schema as never)
        // Types that are asked for beside `tenant_only` must be of tenants, which the document says
        // in words.
        // The same goes for how many buckets of a width fit on a page of usage.
        const queries = allowed(schema).filter(
          (query) => !(query.tenant_only && query.event_types) && !(query.limit > mostBuckets(query, parameters)),
        )
        const ask = (search: string) => call(server(), operation, ready, { search })

        test('queries that it allows are not refused for their shape', () =>
          fc.assert(
            fc.asyncProperty(queries, async (query) => {
              const answer = await ask(searchOf(query))
              expect({ query, json: answer.json, refused: isRefusal(answer) }).toMatchObject({ refused: false })
            }),
            runs(20),
          ))

        test('empty values, which it allows, are as if they were absent', async () => {
          const names = parameters.filter(({ schema }) => schema.type !== 'object').map((parameter) => parameter.name)
          const [empty, absent] = [await ask(names.map((name) => `${name}=`).join('&')), await ask('')]
          expect({ status: empty.status, json: empty.json }).toEqual({ status: absent.status, json: absent.json })
        })

        const text = fc.constantFrom(
          'a\0b',
          '-1',
          '0',
          '1574580640045098',
          '9'.repeat(40),
          '1.5',
          'maybe',
          'GLOBAL',
          '7',
        )
        const forbidden = fc
          .tuple(fc.constantFrom(...parameters), text)
          .filter(([{ name, schema }, wrong]) => !compiled.Check({ [name]: typed(schema, wrong) }))
          .map(([{ name }, wrong]) => `${name}=${encodeURIComponent(wrong)}`)
        test('queries that it forbids are refused', () =>
          fc.assert(
            fc.asyncProperty(forbidden, async (search) => {
              const answer = await ask(search)
              expect({ search, json: answer.json, refused: isRefusal(answer) }).toMatchObject({ refused: true })
            }),
            runs(20),
          ))
      }
    })
})

/** A text of a query as the value that it stands for in a schema. */
function typed(schema: Schema, text: string): unknown {
  const types = [schema.type].flat()
  if (types.includes('array')) return [typed(schema.items!, text)]
  if (types.includes('integer') && /^-?\d+$/.test(text)) return Number(text)
  return text
}
