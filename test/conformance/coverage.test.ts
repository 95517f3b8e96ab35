import { beforeAll, expect, test } from 'bun:test'
import { figure } from '../runs.ts'
import { Keyhall } from '../../client/index.ts'
import { operations } from '../../contract/index.ts'
import { officialOperations as shipped } from '../../contract/official-operations.ts'
import { startServer } from '../setup.ts'
import { officialOperations, type Official } from './official.ts'

let official: Map<string, Official>
beforeAll(async () => {
  official = await officialOperations()
})

const ours = operations.filter(({ operation }) => !operation.extension)
const namesIn = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

test('every operation of the contract is one of the official SDK: same place, method and path', () => {
  figure(`${ours.length} of ${official.size} operations`)
  expect(official.size).toBe(143)
  for (const { name, operation } of ours) {
    const { method, path } = operation
    expect({ name, ...official.get(name) }).toMatchObject({ name, method, path })
  }
})

test('the list of official operations that is shipped is that of the SDK', () => {
  const ofSdk = [...official].map(([name, { method, path }]) => [name, `${method} ${path}`])
  expect(shipped).toEqual(Object.fromEntries(ofSdk))
})

test('every official operation is served', () => {
  expect(ours.map(({ name }) => name).toSorted()).toEqual([...official.keys()].toSorted())
})

test('a path that nobody has is an invalid URL for an admin key, and not forbidden', async () => {
  const server = await startServer('sqlite')
  try {
    const paths = ['/_stainless_unknown_path', '/unheard_of/of/anything', '/organization/unheard_of', '/Unheard%5fof']
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
      for (const path of paths) {
        const response = await server.request(method, path, method === 'GET' ? undefined : {})
        const { error } = (await response.json()) as { error: { message: string } }
        expect({ status: response.status, message: error.message }).toEqual({
          status: 404,
          message: `Invalid URL (${method} /v1${path})`,
        })
      }
    // Where the gateway knows the path, it says what an admin key lacks.
    expect((await server.request('POST', '/chat/completions', {})).status).toBe(403)
  } finally {
    await server.stop()
  }
})

test('what is called an extension is not in the official SDK', () => {
  const extensions = operations.filter(({ operation }) => operation.extension).map(({ name }) => name)
  expect(extensions.filter((name) => official.has(name))).toEqual([])
})

test('the last path parameter is the first argument of every official operation', () => {
  for (const [name, { path, first }] of official) expect([name, first]).toEqual([name, namesIn(path).at(-1)])
})

test('our client, called with the arguments of the official SDK, sends the same', async () => {
  let sent: unknown
  const client = new Keyhall({
    adminAPIKey: 'unused',
    baseURL: 'http://keyhall.test/v1',
    fetch: async (url, { method }) => {
      sent = { method, path: decodeURIComponent(new URL(url).pathname).replace(/^\/v1/, '') }
      return Response.json({ data: [] })
    },
  })
  for (const { name } of ours) {
    const call = name.split('.').reduce<any>((resource, member) => resource[member], client.admin.organization)
    const { method, path, first } = official.get(name)!
    const braced = namesIn(path).map((name) => [name, `{${name}}`] as const)
    const params = Object.fromEntries(braced.filter(([name]) => name !== first))
    await (first ? call(`{${first}}`, params) : call(params))
    expect({ name, sent }).toEqual({ name, sent: { method, path } })
  }
})
