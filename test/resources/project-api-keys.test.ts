import { expect, test } from 'bun:test'
import { newProject } from '../made.ts'
import { addPerson, addTenant, onBothEngines, type TestServer } from '../setup.ts'
import { refusal } from './refusal.ts'

interface Issued {
  id: string
  value: string
  created_at: number
  expires_at: number | null
}

/** Issues a key for a person; OpenAI's SDK has no method for it. */
async function issue({ request }: TestServer, project_id: string, body: object) {
  const response = await request('POST', `/organization/projects/${project_id}/api_keys`, { name: 'Laptop', ...body })
  const answer = (await response.json()) as Issued & { error: { message: string; param: string; code: string } }
  return { status: response.status, ...answer }
}

onBothEngines('project API keys', (server) => {
  const { projects } = { projects: () => server().client.admin.organization.projects }
  const keys = () => projects().apiKeys

  test('250 keys are listed page by page, newest first, each once', async () => {
    const { id: project_id } = await projects().create({ name: 'Paging' })
    const account = await projects().serviceAccounts.create(project_id, { name: 'robot' })
    const made = [account.api_key!.id]
    for (let n = 0; n < 249; n++) {
      const { id } = await projects().serviceAccounts.apiKeys.create(account.id, { project_id, name: `key ${n}` })
      made.push(id)
    }
    const seen: string[] = []
    for await (const { id } of keys().list(project_id, { limit: 100 })) seen.push(id)
    expect(seen).toEqual(made.toReversed())
    expect(await server().events()).toEqual({
      'project.created': 1,
      'service_account.created': 1,
      'api_key.created': 250,
    })
  })

  test('a key of a person shows its value once, opens the project, and closes for good', async () => {
    const { id: project_id } = await newProject(server())
    await server().events()
    const { owner_id } = server()
    const made = await issue(server(), project_id, { user_id: owner_id, expires_in_seconds: 60 })
    expect(made.value).toMatch(/^sk-proj-1KyHaLl/)
    expect(await server().opens(made.value)).toBe(200)
    const found = await keys().retrieve(made.id, { project_id })
    expect(found).toMatchObject({
      object: 'organization.project.api_key',
      name: 'Laptop',
      redacted_value: `sk-proj-...${made.value.slice(-4)}`,
      expires_at: made.created_at + 60,
      last_used_at: null,
      owner_project_access: 'active',
      owner: { type: 'user', user: { id: owner_id, email: 'owner@example.com', role: 'owner' } },
    })
    expect(found).not.toHaveProperty('value')
    expect(found.owner).not.toHaveProperty('service_account')
    expect(await keys().delete(made.id, { project_id })).toEqual({
      object: 'organization.project.api_key.deleted',
      id: made.id,
      deleted: true,
    })
    expect(await server().opens(made.value)).toBe(401)
    expect(await refusal(keys().delete(made.id, { project_id }))).toMatchObject({
      status: 404,
      code: 'api_key_not_found',
    })
    expect(await server().events()).toEqual({ 'api_key.created': 1, 'api_key.deleted': 1 })
  })

  test('a key is issued only to a living person with access to the project', async () => {
    const { id: project_id } = await newProject(server())
    const other = await addTenant(server())
    await addPerson(server(), { id: 'user-outside', email: 'outside@example.com' })
    await addPerson(server(), { id: 'user-left', email: 'left@example.com', project_id })
    await server().client.admin.organization.users.delete('user-left')
    const robot = await projects().serviceAccounts.create(project_id, { name: 'robot' })
    await server().events()
    for (const user_id of ['user-nobody', other.owner_id, 'user-left', robot.id])
      expect(await issue(server(), project_id, { user_id })).toMatchObject({
        status: 404,
        error: { code: 'user_not_found', param: 'user_id' },
      })
    const outside = await issue(server(), project_id, { user_id: 'user-outside' })
    expect(outside).toMatchObject({ status: 400, error: { param: 'user_id' } })
    expect(outside.error.message).toContain(`User user-outside is not a member of ${project_id}`)
    expect(await server().events()).toEqual({})
  })

  test('the filter by access shows whose owners still have it', async () => {
    const { id: project_id } = await newProject(server())
    const add = (name: string, role: 'owner' | 'reader', project_role?: string) =>
      addPerson(server(), {
        id: `user-${name}-${project_id}`,
        email: `${name}-${project_id}@example.com`,
        role,
        ...(project_role && { project_id, project_role }),
      })
    const people = {
      member: await add('member', 'reader', 'member'),
      viewer: await add('viewer', 'reader', 'viewer'),
      projectOwner: await add('project-owner', 'reader', 'owner'),
      organizationOwner: await add('organization-owner', 'owner'),
      leaver: await add('leaver', 'reader', 'member'),
      demoted: await add('demoted', 'owner'),
      deleted: await add('deleted', 'reader', 'member'),
    }
    const names = new Map<string, string>()
    for (const [name, user_id] of Object.entries(people))
      names.set((await issue(server(), project_id, { user_id })).id, name)
    const account = async (name: string, role?: 'owner') => {
      const made = await projects().serviceAccounts.create(project_id, { name })
      if (role) await projects().serviceAccounts.update(made.id, { project_id, role })
      names.set(made.api_key!.id, name)
    }
    await account('robot')
    await account('robotOwner', 'owner')
    const alone = await projects().serviceAccounts.create(project_id, { name: 'x', create_service_account_only: true })
    names.set((await projects().serviceAccounts.apiKeys.create(alone.id, { project_id })).id, 'robotNone')
    await projects().users.delete(people.leaver, { project_id })
    const { users } = server().client.admin.organization
    await users.update(people.demoted, { role: 'reader' })
    await users.delete(people.deleted)

    const shown = async (owner_project_access?: 'active' | 'inactive' | 'any') => {
      const seen: string[] = []
      for await (const key of keys().list(project_id, { limit: 3, owner_project_access })) {
        seen.push(names.get(key.id)!)
        const active = ['member', 'viewer', 'projectOwner', 'organizationOwner', 'robot', 'robotOwner']
        expect([names.get(key.id), key.owner_project_access]).toEqual([
          names.get(key.id),
          active.includes(names.get(key.id)!) ? 'active' : 'inactive',
        ])
      }
      return seen.toSorted()
    }
    const active = ['member', 'organizationOwner', 'projectOwner', 'robot', 'robotOwner', 'viewer']
    const inactive = ['deleted', 'demoted', 'leaver', 'robotNone']
    expect(await shown('active')).toEqual(active)
    expect(await shown('inactive')).toEqual(inactive)
    expect(await shown('any')).toEqual([...active, ...inactive].toSorted())
    // The older rule: service accounts, and people who are members themselves.
    expect(await shown()).toEqual(['member', 'projectOwner', 'robot', 'robotNone', 'robotOwner', 'viewer'])
    await server().events()
  })

  test('an update replaces scopes or lifetime, and keeps the other', async () => {
    const { id: project_id } = await newProject(server())
    const made = await issue(server(), project_id, { user_id: server().owner_id, scopes: ['api.all.read'] })
    const scope = (wanted: string) =>
      server().fetch(
        new Request(`http://keyhall.test/verify?scope=${wanted}`, {
          headers: { authorization: `Bearer ${made.value}` },
        }),
      )
    await server().events()
    expect((await scope('api.model.request')).status).toBe(403)
    await keys().update(made.id, { project_id, scopes: ['api.model.request'] })
    expect((await scope('api.model.request')).status).toBe(200)
    const later = await keys().update(made.id, { project_id, expires_in_seconds: 50 })
    expect(later.expires_at).toBeGreaterThanOrEqual(made.created_at + 50)
    expect((await scope('api.model.request')).status).toBe(200)
    await keys().update(made.id, { project_id, scopes: [] })
    expect((await scope('api.files.write')).status).toBe(200)
    expect((await keys().retrieve(made.id, { project_id })).expires_at).toBe(later.expires_at!)
    expect(await server().events()).toEqual({ 'api_key.updated': 3 })
  })

  test('an update refuses nothing, null, odd scopes and expired keys', async () => {
    const { id: project_id } = await newProject(server())
    const made = await issue(server(), project_id, { user_id: server().owner_id, expires_in_seconds: 10 })
    await server().events()
    const update = (body: object) => refusal(keys().update(made.id, { project_id, ...body } as never))
    expect(await update({})).toMatchObject({ status: 400, code: 'missing_required_parameter' })
    for (const body of [
      { scopes: null },
      { expires_in_seconds: null },
      { expires_in_seconds: 0 },
      { scopes: ['read'] },
      { scopes: ['api.all.read', 'api.all.read'] },
      { name: 'new name' },
    ])
      expect(await update(body)).toMatchObject({ status: 400 })
    server().world.ahead += 10
    const expired = await update({ expires_in_seconds: 100 })
    expect(expired).toMatchObject({ status: 400 })
    expect(expired.message).toContain('expired')
    expect(await server().opens(made.value)).toBe(401)
    expect(await server().events()).toEqual({})
  })

  test('a key of a service account can be deleted on its own, and the account stays', async () => {
    const { id: project_id } = await newProject(server())
    const account = await projects().serviceAccounts.create(project_id, { name: 'robot' })
    await server().events()
    await keys().delete(account.api_key!.id, { project_id })
    expect(await server().opens(account.api_key!.value)).toBe(401)
    expect(await projects().serviceAccounts.retrieve(account.id, { project_id })).toMatchObject({ id: account.id })
    expect(await server().events()).toEqual({ 'api_key.deleted': 1 })
  })

  test('a page goes on after a key that was deleted meanwhile', async () => {
    const { id: project_id } = await newProject(server())
    const made = []
    for (let n = 0; n < 5; n++) made.push((await issue(server(), project_id, { user_id: server().owner_id })).id)
    const first = await keys().list(project_id, { limit: 2 })
    expect(first.data.map(({ id }) => id)).toEqual([made[4]!, made[3]!])
    await keys().delete(made[3]!, { project_id })
    await keys().delete(made[2]!, { project_id })
    expect((await first.getNextPage()).data.map(({ id }) => id)).toEqual([made[1]!, made[0]!])
    await server().events()
  })
})
