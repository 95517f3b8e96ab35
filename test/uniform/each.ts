/**
 * Calls to any operation of the contract. What must be true of every answer is looked at here, so
 * every uniform test checks it.
 */
import { expect } from 'bun:test'
import { operations } from '../../contract/index.ts'
import type { Operation } from '../../contract/kit.ts'
import type { Ready } from '../recipe.ts'
import type { TestServer } from '../setup.ts'

export interface Answer {
  status: number
  headers: Headers
  text: string
  json: any
}

export interface Ask {
  /** An admin key; null for none, undefined for the server's first. */
  key?: string | null
  /** Sent as JSON unless it is text. */
  body?: unknown
  search?: string
  headers?: HeadersInit
}

/** Everything that a server has answered so far. */
const heard = new WeakMap<TestServer, Answer[]>()
export const everythingHeard = (server: TestServer) => heard.get(server) ?? []

export async function ask(server: TestServer, method: string, path: string, asked: Ask = {}): Promise<Answer> {
  const { key = server.admin_key, body, search = '' } = asked
  const headers = new Headers(asked.headers)
  if (key !== null) headers.append('authorization', `Bearer ${key}`)
  const request = new Request(`http://keyhall.test/v1${path}${search && `?${search}`}`, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const response = await server.fetch(request)
  const text = await response.text()
  const answer = { status: response.status, headers: response.headers, text, json: JSON.parse(text) }
  expectHeaders(answer)
  heard.getOrInsertComputed(server, () => []).push(answer)
  return answer
}

/** Calls an operation with what its recipe made, or with parts of it replaced. */
export function call(server: TestServer, operation: Operation, ready: Ready, asked: Ask = {}) {
  const headers = new Headers(asked.headers)
  for (const [name, value] of Object.entries(ready.headers ?? {})) if (!headers.has(name)) headers.set(name, value)
  return ask(server, operation.method, pathOf(operation, ready.params), {
    body: ready.body,
    search: new URLSearchParams(ready.query).toString(),
    ...asked,
    headers,
  })
}

/**
 * Path parameters are percent-encoded as the SDKs do it; those given in `raw` are put in as they
 * are.
 */
export const pathOf = ({ path }: Operation, params: Record<string, string>, raw: Record<string, string> = {}) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => raw[name] ?? encodeURIComponent(params[name]!))

export const paramNames = ({ path }: Operation) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

/** Which operations go without a key, the contract says. */
export const withKey = operations.filter(({ operation }) => operation.can !== null)
export const withoutKey = operations.filter(({ operation }) => operation.can === null)
export const changes = operations.filter(({ operation }) => operation.method !== 'GET')
export const posts = operations.filter(({ operation }) => operation.method === 'POST')
export const withParams = operations.filter(({ operation }) => paramNames(operation).length > 0)
export const lists = operations.filter(({ operation }) => 'after' in operation.query.properties)

function expectHeaders({ headers, status }: Answer) {
  expect(headers.get('content-type')).toBe('application/json')
  expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('x-should-retry')).toBe(status === 409 ? 'false' : null)
}

interface Expected {
  code?: string | null
  param?: string | null
  message?: string
}

/** An error in OpenAI's envelope, all four members and no other. */
export function expectError({ status, json }: Answer, expected: number, { code, param, message }: Expected = {}) {
  expect({ status, json }).toMatchObject({ status: expected, json: { error: {} } })
  expect(Object.keys(json)).toEqual(['error'])
  const { error } = json
  expect(Object.keys(error).toSorted()).toEqual(['code', 'message', 'param', 'type'])
  expect(error.type).toBe(expected >= 500 ? 'server_error' : 'invalid_request_error')
  if (code !== undefined) expect(error).toMatchObject({ code })
  if (param !== undefined) expect(error).toMatchObject({ param })
  if (message !== undefined) expect(error.message).toContain(message)
}
