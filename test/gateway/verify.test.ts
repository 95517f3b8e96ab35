import { expect, test } from 'bun:test'
import { addPerson, onBothEngines, type TestServer } from '../setup.ts'

const verify = (server: TestServer, key: string, path = '/verify') =>
  server.fetch(new Request(`http://keyhall.test${path}`, { headers: { authorization: `Bearer ${key}` } }))

const status = async (server: TestServer, key: string, path?: string) => (await verify(server, key, path)).status

/** A key owned by a person who is a member of a new project. */
async function personKey(server: TestServer, id: string, scopes: string[] = []) {
  const { projects } = server.client.admin.organization
  const project = await projects.create({ name: id })
  await addPerson(server, { id, email: `${id}@example.com`, project_id: project.id })
  const made = await server.request('POST', `/organization/projects/${project.id}/api_keys`, {
    name: 'laptop',
    user_id: id,
    scopes,
  })
  const key = (await made.json()) as { id: string; value: string }
  return { ...key, project_id: project.id, user_id: id }
}

onBothEngines('verify', (server) => {
  test('says whose a living key is, and what it may do', async () => {
    const { client, project_id, organization_id } = server()
    const account = await client.admin.organization.projects.serviceAccounts.create(project_id, { name: 'robot' })
    const answer = await verify(server(), account.api_key!.value, '/verify/any/path?x=1')
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-keyhall-organization-id': organization_id,
      'x-keyhall-project-id': project_id,
      'x-keyhall-key-id': account.api_key!.id,
      'x-keyhall-owner-type': 'service_account',
      'x-keyhall-owner-id': account.id,
    })
    expect(answer.headers.get('x-keyhall-scopes')).toContain('api.model.request')
  })

  test('counts a caller that left before the refusal as 499', async () => {
    const left = new AbortController()
    left.abort()
    await server().fetch(new Request('http://keyhall.test/verify', { signal: left.signal }))
    expect(server().log.at(-1)).toMatchObject({ operation: 'verify', status: 499 })
    expect(await status(server(), 'garbage')).toBe(401)
    expect(server().log.at(-1)).toMatchObject({ operation: 'verify', status: 401 })
  })

  test('refuses admin keys, garbage, and nothing at all', async () => {
    expect(await status(server(), server().admin_key)).toBe(403)
    expect(await status(server(), 'sk-proj-nonsense')).toBe(401)
    const nothing = await server().fetch(new Request('http://keyhall.test/verify', { method: 'POST' }))
    expect(nothing.status).toBe(401)
    expect(await nothing.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  test('refuses a key in the query string, beside one in the header too', async () => {
    const { value } = await personKey(server(), 'user-in-url')
    for (const search of [value, `api_key=${value}`, `a=%73k${value.slice(2)}`, `/v1/chat?x=1,${value}`])
      expect(await status(server(), value, `/verify?${search}`)).toBe(401)
    expect(await status(server(), value, '/verify?about=sk-proj-&100%')).toBe(200)
  })

  test('sends who is refused after the key of a project, not after an admin key', async () => {
    const said = async (key: string) => ((await (await verify(server(), key)).json()) as any).error.message as string
    expect(await said(server().admin_key)).toContain('Check that this is the key of an active project')
    expect(await said('sk-proj-nonsense')).toEndWith('It may be misspelt, deleted or expired.')
  })

  test('a restricted key may do what its scopes say and no more', async () => {
    const { value } = await personKey(server(), 'user-scoped', ['api.model.request'])
    expect(await status(server(), value, '/verify?scope=api.model.request')).toBe(200)
    expect(await status(server(), value, '/verify?scope=api.files.read')).toBe(403)
    expect(await status(server(), value, '/verify?scope=x')).toBe(400)
    // As Envoy asks: the path and query of the request come behind what the operator chose.
    const behind = '&/v1/chat/completions?scope=api.model.request'
    expect(await status(server(), value, `/verify?scope=api.files.read${behind}`)).toBe(403)
    expect(await status(server(), value, '/verify?scope=api.model.request&/v1/files?scope=x')).toBe(200)
  })

  const losses: [string, (key: Awaited<ReturnType<typeof personKey>>) => Promise<unknown>, number][] = [
    ['deleted', (key) => projects().apiKeys.delete(key.id, key), 401],
    [
      'expired',
      async (key) => (
        await projects().apiKeys.update(key.id, { ...pick(key), expires_in_seconds: 10 }),
        (server().world.ahead += 11)
      ),
      401,
    ],
    ['of an archived project', (key) => projects().archive(key.project_id), 403],
    ['whose owner left the project', (key) => projects().users.delete(key.user_id, key), 403],
    ['whose owner left the organization', (key) => client().users.delete(key.user_id), 403],
    ['whose owner lost the role', (key) => projects().users.roles.delete('role-api-project-member', { ...key }), 403],
  ]
  const client = () => server().client.admin.organization
  const projects = () => client().projects
  const pick = ({ project_id }: { project_id: string }) => ({ project_id })

  for (const [name, lose, expected] of losses)
    test(`a key ${name} opens nothing from the answer on`, async () => {
      const key = await personKey(server(), `user-${name.replaceAll(' ', '-')}`)
      expect(await status(server(), key.value)).toBe(200)
      await lose(key)
      expect(await status(server(), key.value)).toBe(expected)
    })

  test('changed scopes hold from the answer on', async () => {
    const { id, value, project_id } = await personKey(server(), 'user-rescoped')
    expect(await status(server(), value, '/verify?scope=api.files.write')).toBe(200)
    await projects().apiKeys.update(id, { project_id, scopes: ['api.all.read'] })
    expect(await status(server(), value, '/verify?scope=api.files.write')).toBe(403)
    expect(await status(server(), value, '/verify?scope=api.files.read')).toBe(200)
  })

  test('what a group gave is gone with the membership', async () => {
    const ann = await addPerson(server(), { id: 'user-grouped', email: 'grouped@example.com' })
    const project = await projects().create({ name: 'Grouped' })
    const group = await client().groups.create({ name: 'Openers' })
    await client().groups.users.create(group.id, { user_id: ann })
    await projects().groups.create(project.id, { group_id: group.id, role: 'member' })
    const made = await server().request('POST', `/organization/projects/${project.id}/api_keys`, {
      name: 'k',
      user_id: ann,
    })
    const { value } = (await made.json()) as { value: string }
    expect(await status(server(), value)).toBe(200)
    await client().groups.users.delete(ann, { group_id: group.id })
    expect(await status(server(), value)).toBe(403)
    await client().groups.users.create(group.id, { user_id: ann })
    expect(await status(server(), value)).toBe(200)
  })

  test('notes when a key was last used, and its owner with it', async () => {
    const { id, value, project_id, user_id } = await personKey(server(), 'user-noted')
    await verify(server(), value)
    await server().context.lastUsed.flush()
    const key = await projects().apiKeys.retrieve(id, { project_id })
    expect(key.last_used_at).toBeGreaterThanOrEqual(key.created_at)
    expect((await client().users.retrieve(user_id)).api_key_last_used_at).toBe(key.last_used_at)
  })

  test('reads a key once, however many ask at the same time', async () => {
    const { value } = await personKey(server(), 'user-crowd')
    const { counts } = server().context.cache
    const before = counts.misses
    const statuses = await Promise.all(Array.from({ length: 50 }, () => status(server(), value)))
    expect(statuses.every((one) => one === 200)).toBe(true)
    expect(counts.misses).toBe(before + 1)
  })
})
