/**
 * What people have who are signed in and own nothing: their own projects and keys, and nothing of
 * others.
 */
import { expect, test } from 'bun:test'
import { MOST_OWN_KEYS } from '../../contract/me.ts'
import { make, newAdminKey, newGroup, newProject, uniqueEmail } from '../made.ts'
import { addPerson, onBothEngines } from '../setup.ts'
import { fromBrowser, signInAs } from './pages.ts'

const KEYS = '/organization/me/api_keys'
let made = 0

onBothEngines('a member', (server) => {
  /** Somebody without a role in the organization, with one in a project of their own. */
  async function newMember(project_role = 'member') {
    const { id: project_id } = await newProject(server(), { name: `Project ${++made}` })
    const id = await addPerson(server(), {
      id: `user-member${made}`,
      email: uniqueEmail(),
      name: `Member ${made}`,
      project_id,
      project_role,
    })
    await server().client.admin.organization.users.update(id, { role: 'member' })
    const cookie = await signInAs(server(), id)
    const get = (path: string) => fromBrowser(server(), cookie, 'GET', path)
    const add = (body: object) => fromBrowser(server(), cookie, 'POST', KEYS, { name: 'laptop', project_id, ...body })
    const remove = (key: string) => fromBrowser(server(), cookie, 'DELETE', `${KEYS}/${key}`)
    return { id, project_id, cookie, get, add, remove }
  }

  test('is told who they are, and what they may do where', async () => {
    const { id, project_id, get } = await newMember()
    const { json } = await get('/organization/me')
    expect(json).toMatchObject({
      user: { id, role: 'member' },
      organization: { id: server().organization_id },
      permissions: [],
      projects: [{ id: project_id, role: 'member', can_create_keys: true }],
    })
    expect(json.projects[0].permissions).toContain('api.model.request')
    expect(json.projects[0].permissions).not.toContain('api.management.read')
  })

  test('makes a key that opens the project, sees it, and revokes it', async () => {
    const { id, get, add, remove } = await newMember()
    const { json } = await add({ scopes: ['api.model.request'], expires_in_seconds: 3600 })
    expect(json).toMatchObject({ owner: { type: 'user', user: { id } }, owner_project_access: 'active' })
    expect(await server().opens(json.value)).toBe(200)
    expect((await get(KEYS)).json.data).toMatchObject([{ id: json.id, redacted_value: json.redacted_value }])
    expect((await remove(json.id)).status).toBe(200)
    expect(await server().opens(json.value)).toBe(401)
    expect((await get(KEYS)).json.data).toEqual([])
    expect((await remove(json.id)).status).toBe(404)
  })

  test('sees nothing of others', async () => {
    const [mine, theirs] = [await newMember(), await newMember()]
    const { json: key } = await theirs.add({})
    const hidden = [theirs.id, theirs.project_id, key.id, server().owner_id, 'owner@example.com', 'Default project']
    const seen = []
    for (const path of ['/organization/me', KEYS, `${KEYS}?project_id=${theirs.project_id}`, '/organization/sessions'])
      seen.push(await mine.get(path))
    seen.push(await mine.get(`/organization/sessions?user_id=${theirs.id}`))
    for (const { status, json } of seen) {
      expect(status).toBe(200)
      for (const one of hidden) expect(JSON.stringify(json)).not.toContain(one)
    }
    // What is another's answers as what does not exist.
    const named = async (project_id: string) =>
      JSON.stringify((await mine.add({ project_id })).json).replaceAll(project_id, 'ID')
    expect(await named(theirs.project_id)).toBe(await named('proj_unknown'))
    expect((await mine.remove(key.id)).status).toBe(404)
    expect(await server().opens(key.value)).toBe(200)
    const others = (await server().request('GET', `/organization/sessions?user_id=${theirs.id}`)) as Response
    const { data } = (await others.json()) as { data: { id: string }[] }
    expect(data).toHaveLength(1)
    const ended = await fromBrowser(server(), mine.cookie, 'DELETE', `/organization/sessions/${data[0]!.id}`)
    expect(ended.status).toBe(404)
    expect((await theirs.get('/organization/me')).status).toBe(200)
  })

  test('makes keys only where they may make requests, and only in active projects', async () => {
    const viewer = await newMember('viewer')
    expect(await viewer.add({})).toMatchObject({ status: 403, json: { error: { code: 'missing_scope' } } })
    expect((await viewer.get('/organization/me')).json.projects).toMatchObject([
      { role: 'viewer', can_create_keys: false },
    ])
    const { project_id, add, get } = await newMember()
    const { json } = await add({})
    await server().client.admin.organization.projects.archive(project_id)
    expect(await add({})).toMatchObject({ status: 400, json: { error: { code: 'project_archived' } } })
    expect((await get('/organization/me')).json.projects).toEqual([])
    // The key is still theirs, to see and to delete.
    expect((await get(KEYS)).json.data).toMatchObject([{ id: json.id, owner_project_access: 'inactive' }])
  })

  test('has what a group and a custom role of the project give', async () => {
    const { id, get, add } = await newMember('viewer')
    const { id: project_id } = await newProject(server(), { name: 'Of the group' })
    const role = await make(server(), `/projects/${project_id}/roles`, {
      role_name: 'Caller',
      permissions: ['api.model.request'],
    })
    const group = await newGroup(server())
    await make(server(), `/organization/groups/${group.id}/users`, { user_id: id })
    expect((await add({ project_id })).status).toBe(404)
    await make(server(), `/projects/${project_id}/groups/${group.id}/roles`, { role_id: role.id })
    const { projects } = (await get('/organization/me')).json
    expect(projects[1]).toMatchObject({ id: project_id, role: 'member', can_create_keys: true })
    expect(projects[1].permissions).toEqual(['api.model.request'])
    const { json } = await add({ project_id })
    expect(await server().opens(json.value)).toBe(200)
    await server().client.admin.organization.groups.users.delete(id, { group_id: group.id })
    expect((await add({ project_id })).status).toBe(404)
    expect(await server().opens(json.value)).toBe(403)
  })

  test('has at most a hundred living keys in a project', async () => {
    const { add, remove } = await newMember()
    let last = ''
    for (let n = 0; n < MOST_OWN_KEYS; n++) last = (await add({})).json.id
    expect(await add({})).toMatchObject({
      status: 400,
      json: { error: { code: 'too_many_keys', param: 'project_id' } },
    })
    await remove(last)
    expect((await add({})).status).toBe(200)
  })

  test('an admin key is its owner here, and sees the keys of its owner only', async () => {
    const { add } = await newMember()
    await add({})
    const own = await make<{ id: string; project_id: string }>(server(), KEYS, {
      project_id: server().project_id,
      name: 'mine',
    })
    const list = (await (await server().request('GET', KEYS)).json()) as { data: { id: string }[] }
    expect(list.data.map(({ id }) => id)).toEqual([own.id])
    const me = (await (await server().request('GET', '/organization/me')).json()) as Record<string, unknown>
    expect(me).toMatchObject({ user: { id: server().owner_id, role: 'owner' }, session: null })
    const reading = await newAdminKey(server(), { scopes: ['api.management.read'] })
    const headers = { authorization: `Bearer ${reading.value}` }
    const { projects } = (await (await server().request('GET', '/organization/me', undefined, headers)).json()) as any
    expect(projects[0].can_create_keys).toBe(false)
    expect(projects[0].permissions).toContain('api.model.request')
    expect(projects[0].permissions).not.toContain('api.management.write')
  })
})
