import { expect, test } from 'bun:test'
import { inspect } from 'node:util'
import {
  APIError,
  AuthenticationError,
  BadRequestError,
  calls,
  Keyhall,
  NotFoundError,
  Page,
  PermissionDeniedError,
} from '../../client/index.ts'
import { onBothEngines } from '../setup.ts'
import { clientOf, failure, json, scripted } from './setup.ts'

onBothEngines('the client', (server) => {
  const organization = (options = {}) => clientOf(server(), options).admin.organization

  const projectWithKeys = async (count: number) => {
    const { projects } = organization()
    const project = await projects.create({ name: 'Many keys' })
    const account = await projects.serviceAccounts.create(project.id, {
      name: 'robot',
      create_service_account_only: true,
    })
    const made: string[] = []
    for (let n = 0; n < count; n++)
      made.push((await projects.serviceAccounts.apiKeys.create(account.id, { project_id: project.id })).id)
    return { project, account, newestFirst: made.toReversed() }
  }

  test('walks a list by iterating over the promise, the page and the pages alike', async () => {
    const { project, newestFirst } = await projectWithKeys(7)
    const { apiKeys } = organization().projects
    const fromPromise: string[] = []
    for await (const key of apiKeys.list(project.id, { limit: 3 })) fromPromise.push(key.id)
    const fromPage: string[] = []
    for await (const key of await apiKeys.list(project.id, { limit: 3 })) fromPage.push(key.id)
    const sizes: number[] = []
    for await (const page of (await apiKeys.list(project.id, { limit: 3 })).iterPages()) sizes.push(page.data.length)
    expect(fromPromise).toEqual(newestFirst)
    expect(fromPage).toEqual(newestFirst)
    expect(sizes).toEqual([3, 3, 1])
  })

  test('turns pages by hand, and refuses to go past the last one', async () => {
    const { project, newestFirst } = await projectWithKeys(3)
    const first = await organization().projects.apiKeys.list(project.id, { limit: 2 })
    expect(first).toBeInstanceOf(Page)
    expect(JSON.parse(JSON.stringify(first))).toMatchObject({
      object: 'list',
      has_more: true,
      first_id: newestFirst[0],
      last_id: newestFirst[1],
    })
    expect(first.hasNextPage()).toBe(true)
    const second = await first.getNextPage()
    expect(second.data.map(({ id }) => id)).toEqual(newestFirst.slice(2))
    expect(second.hasNextPage()).toBe(false)
    expect((await failure(second.getNextPage())).message).toContain('no next page')
  })

  test('gives an empty page an empty last_id, as the official SDK does', async () => {
    const { project } = await projectWithKeys(0)
    const page = await organization().projects.apiKeys.list(project.id)
    expect(page.data).toEqual([])
    expect(page.last_id).toBe('')
    expect(page.hasNextPage()).toBe(false)
  })

  test('takes the last path parameter first and the others with the body', async () => {
    const { project, account } = await projectWithKeys(1)
    const { serviceAccounts, apiKeys } = organization().projects
    const renamed = await serviceAccounts.update(account.id, { project_id: project.id, name: 'renamed' })
    expect(renamed.name).toBe('renamed')
    const [key] = (await apiKeys.list(project.id)).data
    const restricted = await apiKeys.update(key!.id, { project_id: project.id, expires_in_seconds: 60 })
    expect(restricted.expires_at).toBeNumber()
    expect(await apiKeys.delete(key!.id, { project_id: project.id })).toEqual({
      object: 'organization.project.api_key.deleted',
      id: key!.id,
      deleted: true,
    })
  })

  test('takes options in the place of the parameters of a list, but not mixed with them', async () => {
    const { projects } = organization()
    expect((await projects.list({ query: { limit: 1 }, headers: { 'x-test': 'yes' } })).data).toHaveLength(1)
    expect((await projects.list(null, { query: { limit: 1 } })).data).toHaveLength(1)
    // @ts-expect-error the types refuse it too
    expect(() => projects.list({ limit: 1, timeout: 1000 })).toThrow(TypeError)
  })

  test('keeps the query of the options while turning pages', async () => {
    await projectWithKeys(0)
    const page = await organization().projects.list({ query: { limit: 1 } })
    expect((await page.getNextPage()).data).toHaveLength(1)
  })

  test('sends arrays of a query so that the server reads them', async () => {
    const { users } = organization()
    expect((await users.list({ emails: ['owner@example.com', 'nobody@example.com'] })).data).toHaveLength(1)
    expect((await users.list({ emails: ['nobody@example.com'] })).data).toEqual([])
  })

  test('reaches an operation of the contract by its flat values', async () => {
    const client = clientOf(server())
    const { list, retrieve } = calls.organization.projects
    const project = await client.request(retrieve, { project_id: server().project_id })
    expect(project.name).toBe('Default project')
    const names: string[] = []
    for await (const { name } of client.request(list, { limit: 1 })) names.push(name)
    expect(names).toContain('Default project')
  })

  test('gives the response and the request id beside the result', async () => {
    const call = organization().projects.retrieve(server().project_id)
    const { data, response, request_id } = await call.withResponse()
    expect(data.id).toBe(server().project_id)
    expect(response.status).toBe(200)
    expect(request_id).toStartWith('req_')
    expect((await call)._request_id).toBe(request_id)
    expect(Object.keys(await call)).not.toContain('_request_id')
    expect(await (await organization().projects.retrieve(server().project_id).asResponse()).json()).toEqual(await call)
  })

  test('throws the class of the status, with the members of the answer', async () => {
    const error = await failure(organization().projects.retrieve('proj_none'))
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toBeInstanceOf(Keyhall.APIError)
    expect(error).toMatchObject({ status: 404, code: 'project_not_found', param: null, type: 'invalid_request_error' })
    expect(error.message).toBe('404 The project proj_none was not found')
    expect(error.requestID).toStartWith('req_')
    expect(error.headers.get('x-request-id')).toBe(error.requestID)
    expect(error.error.message).toBe('The project proj_none was not found')

    const bad = await failure(organization().projects.list({ limit: 0 }))
    expect(bad).toBeInstanceOf(BadRequestError)
    expect(bad.param).toBe('limit')

    const unknown = await failure(organization({ adminAPIKey: 'sk-admin-unknown' }).projects.list())
    expect(unknown).toBeInstanceOf(AuthenticationError)

    const { value } = await organization().adminAPIKeys.create({ name: 'reads', scopes: ['api.management.read'] })
    const refused = await failure(organization({ adminAPIKey: value }).projects.create({ name: 'No' }))
    expect(refused).toBeInstanceOf(PermissionDeniedError)
  })

  test('never shows the key', async () => {
    const { admin_key } = server()
    const client = clientOf(server())
    const error = await failure(client.admin.organization.projects.retrieve('proj_none'))
    const page = await client.admin.organization.projects.list()
    const call = client.admin.organization.projects.list()
    for (const thing of [client, error, page, call]) {
      expect(inspect(thing, { depth: 9, showHidden: true })).not.toContain(admin_key)
      expect(Bun.inspect(thing, { depth: 9 })).not.toContain(admin_key)
      expect(JSON.stringify(thing) ?? '').not.toContain(admin_key)
    }
    await call
  })
})

test('walks a list whose cursor is `next`', async () => {
  const { list } = calls.organization.projects
  const { client, sent } = scripted([
    json({ object: 'list', data: [{ id: 'a' }], has_more: true, next: 'cursor-1' }),
    json({ object: 'list', data: [], has_more: true, next: 'cursor-2' }),
    json({ object: 'list', data: [{ id: 'b' }], has_more: false, next: null }),
  ])
  const seen: string[] = []
  for await (const { id } of client.request(list, { limit: 1 })) seen.push(id)
  expect(seen).toEqual(['a', 'b'])
  expect(sent.map(({ url }) => url.split('?')[1])).toEqual([
    'limit=1',
    'limit=1&after=cursor-1',
    'limit=1&after=cursor-2',
  ])
})

test('has one page of a list that has no cursor', async () => {
  const { client, sent } = scripted([json({ object: 'list', data: [{ id: 'a' }] })])
  const seen: string[] = []
  for await (const { id } of client.request(calls.organization.projects.list, {})) seen.push(id)
  expect(seen).toEqual(['a'])
  expect(sent).toHaveLength(1)
})

test('writes arrays and objects of a query as the official SDK does', async () => {
  const { client, sent } = scripted([json({ object: 'list', data: [] })])
  const query = { emails: ['a b@x', 'c&d'], effective_at: { gt: 1, lte: 2 }, none: null, missing: undefined, yes: true }
  await client.admin.organization.users.list({ query })
  expect(new URL(sent[0]!.url).searchParams.toString()).toBe(
    new URLSearchParams([
      ['emails[]', 'a b@x'],
      ['emails[]', 'c&d'],
      ['effective_at[gt]', '1'],
      ['effective_at[lte]', '2'],
      ['yes', 'true'],
    ]).toString(),
  )
})

test('encodes ids, and refuses those that would be another path', () => {
  const { client, sent } = scripted([json({})])
  const { projects } = client.admin.organization
  void projects.retrieve('a/b?c#d%2e é')
  expect(sent[0]!.url).toBe('http://keyhall.test/v1/organization/projects/a%2Fb%3Fc%23d%252e%20%C3%A9')
  for (const id of ['', '.', '..', '\ud800']) expect(() => projects.retrieve(id)).toThrow('project_id cannot be')
  // @ts-expect-error the types refuse it too
  expect(() => projects.apiKeys.retrieve('key_1')).toThrow('project_id must be given')
  expect(sent).toHaveLength(1)
})

test('sends a body only where the operation has one', async () => {
  const { client, sent } = scripted([() => json({})])
  const { projects } = client.admin.organization
  await projects.archive('proj_1')
  await projects.update('proj_1', {})
  expect(sent.map(({ init }) => [init.method, init.body, new Headers(init.headers).get('content-type')])).toEqual([
    ['POST', undefined, null],
    ['POST', '{}', 'application/json'],
  ])
})

test('lets options win over default headers, and null take one away', async () => {
  const { client, sent } = scripted([json({})], { defaultHeaders: { 'x-a': '1', 'x-b': '1', 'x-c': '1' } })
  await client.admin.organization.projects.retrieve('proj_1', { headers: { 'x-b': '2', 'x-c': null } })
  expect([...(sent[0]!.init.headers as Headers)]).toEqual([
    ['accept', 'application/json'],
    ['authorization', 'Bearer sk-admin-of-a-test'],
    ['x-a', '1'],
    ['x-b', '2'],
  ])
})

test('reads the key and the address from the environment, and says what is missing', () => {
  const { OPENAI_ADMIN_KEY, OPENAI_BASE_URL } = process.env
  try {
    process.env.OPENAI_BASE_URL = 'https://keys.example.com/v1/'
    process.env.OPENAI_ADMIN_KEY = 'sk-admin-from-the-environment'
    expect(new Keyhall().baseURL).toBe('https://keys.example.com/v1')
    delete process.env.OPENAI_BASE_URL
    expect(new Keyhall().baseURL).toBe('http://127.0.0.1:4100/v1')
    delete process.env.OPENAI_ADMIN_KEY
    expect(() => new Keyhall()).toThrow('OPENAI_ADMIN_KEY')
    expect(() => new Keyhall({ adminAPIKey: 'x', baseURL: '127.0.0.1:4100' })).toThrow('baseURL')
  } finally {
    if (OPENAI_ADMIN_KEY) process.env.OPENAI_ADMIN_KEY = OPENAI_ADMIN_KEY
    if (OPENAI_BASE_URL) process.env.OPENAI_BASE_URL = OPENAI_BASE_URL
  }
})

test('goes without a key where none is needed, and sends none there', async () => {
  const person = () => json({ object: 'organization.user', id: 'user-1' })
  const accept = { token: 'secret', name: 'Ann' }
  for (const adminAPIKey of [null, 'sk-admin-of-a-test']) {
    const { client, sent } = scripted([person()], { adminAPIKey })
    await client.admin.organization.invites.accept(accept)
    expect(new Headers(sent[0]!.init.headers).has('authorization')).toBe(false)
  }
  const { client, sent } = scripted([person()], { adminAPIKey: null })
  expect(() => client.admin.organization.users.list()).toThrow('admin key is missing')
  expect(sent).toEqual([])
})

test('does not repeat a malformed key in the error', async () => {
  const error = await failure((async () => new Keyhall({ adminAPIKey: 'sk-admin-secret\nx-injected: yes' }))())
  expect(error).toBeInstanceOf(Keyhall.KeyhallError)
  expect(error.message).not.toContain('secret')
})

test('makes an error of an answer that is not ours', async () => {
  const bare = new Response('<h1>Bad gateway</h1>', { status: 502 })
  const error = await failure(scripted([bare], { maxRetries: 0 }).client.admin.organization.users.list())
  expect(error).toBeInstanceOf(Keyhall.InternalServerError)
  expect(error.message).toBe('502 <h1>Bad gateway</h1>')
  const page = await failure(scripted([new Response('<h1>Hello</h1>')]).client.admin.organization.users.list())
  expect(page).toBeInstanceOf(APIError)
  expect(page.message).toContain('not JSON')
})
