/** Texts with scripts in them, in every free text that the API takes. */
import { operations } from '../../contract/index.ts'
import type { Operation } from '../../contract/kit.ts'
import { recipe } from '../recipes.ts'
import type { TestServer } from '../setup.ts'
import { call } from '../uniform/each.ts'

/**
 * A text that runs a script where it is taken for HTML, or for an address. Its number says which it
 * is.
 */
export const hostile = (number: number) =>
  `javascript:planted(${number})//"'><img class=planted src=x onerror=planted(${number})>\${7*7}`

/** The number of the text that calls have as their user agent. */
export const USER_AGENT = 1
/** The number of the first text that `plantTexts` plants. */
const FIRST = 100

interface Schema {
  type?: string
  enum?: unknown[]
  pattern?: string
  format?: string
  maxLength?: number
  const?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
}

/** Where a body has room for any text: the paths to its members. */
function freeTexts(schema: Schema, path: string[] = []): string[][] {
  if (schema.anyOf) return schema.anyOf.flatMap((branch) => freeTexts(branch, path))
  if (schema.items) return freeTexts(schema.items, [...path, '0'])
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([name, member]) => freeTexts(member, [...path, name]))
  const isFree =
    schema.type === 'string' && !schema.enum && !schema.pattern && !schema.format && schema.const === undefined
  return isFree ? [path] : []
}

/** The body with another value at a path; undefined where it has nothing to hold it. */
function withValue(body: unknown, [name, ...rest]: string[], value: string): unknown {
  if (name === undefined) return value
  if (rest.length > 0 && (body as any)?.[name] === undefined) return undefined
  const inner = withValue((body as any)?.[name], rest, value)
  if (inner === undefined) return undefined
  if (Array.isArray(body)) return [inner, ...body.slice(1)]
  return { ...(body as object), [name]: inner }
}

interface Planted {
  /** Such as `projects.create name`. */
  member: string
  number: number
}

/**
 * Calls every operation that takes a free text, once for each such member, with a hostile text in
 * it. Answers those that were taken. What is made in a project is made in this one, and every call
 * has a hostile user agent.
 */
export async function plantTexts(server: TestServer, project: { id: string }): Promise<Planted[]> {
  const request: TestServer['request'] = async (method, path, body, headers = {}) => {
    if (method === 'POST' && path === '/organization/projects') return Response.json(project)
    return server.request(method, path, body, { 'user-agent': hostile(USER_AGENT), ...headers })
  }
  const tenant = { ...server, request }
  const planted: Planted[] = []
  let number = FIRST
  for (const { name, operation } of operations)
    for (const path of freeTexts(operation.body as Schema)) {
      const ready = await recipe(name).prepare(tenant)
      const body = withValue(ready.body ?? {}, path, hostile(number))
      if (body === undefined) continue
      const { status } = await call(tenant, operation as Operation, { ...ready, body: body as never })
      if (status === 200) planted.push({ member: `${name} ${path.join('.')}`, number })
      number++
    }
  return planted
}
