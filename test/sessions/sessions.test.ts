/** Sessions from beginning to end: signing in, what the cookie opens, and all that ends it. */
import { expect, test } from 'bun:test'
import { IDLE_SECONDS, MOST_SESSIONS } from '../../contract/sessions.ts'
import { newAdminKey, newProject, uniqueEmail } from '../made.ts'
import { addPerson, giveAdminKey, onBothEngines } from '../setup.ts'
import { fromBrowser, signIn } from './pages.ts'

onBothEngines('sessions', (server) => {
  const get = (cookie: string, path = '/organization/me') => fromBrowser(server(), cookie, 'GET', path)

  test('an admin key is exchanged for a cookie that pages of the server can use', async () => {
    await server().events()
    const body = { admin_key: server().admin_key }
    const { status, json, cookie } = await fromBrowser(server(), null, 'POST', '/organization/sessions', body)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      object: 'organization.session',
      user: { id: server().owner_id, email: 'owner@example.com' },
      method: 'admin_key',
      ip_address: '192.0.2.1',
      current: true,
    })
    expect(json.expires_at - json.created_at).toBe(12 * 60 * 60)
    expect(cookie).toMatch(
      /^__Host-keyhall=[0-9A-Za-z]{43}; Max-Age=43200; HttpOnly; Secure; SameSite=Strict; Path=\/$/,
    )
    expect(await server().events()).toEqual({ 'login.succeeded': 1 })
    const me = await get(cookie!.split(';')[0]!)
    expect(me.json).toMatchObject({
      object: 'organization.me',
      user: { id: server().owner_id, role: 'owner' },
      session: { id: json.id, expires_at: json.expires_at },
    })
    expect(me.json.projects).toMatchObject([{ id: server().project_id, role: 'owner', can_create_keys: true }])
  })

  test('each time that somebody signs in there is another token', async () => {
    const before = await signIn(server())
    const { cookie } = await fromBrowser(server(), before, 'POST', '/organization/sessions', {
      admin_key: server().admin_key,
    })
    expect(cookie!.split(';')[0]).not.toBe(before)
    expect((await get(before)).status).toBe(200)
  })

  test('of one person are fifty at most: the oldest ends for another, which the audit log says', async () => {
    const id = await addPerson(server(), { id: 'user-often', email: uniqueEmail(), role: 'owner' })
    const key = await newAdminKey(server())
    await giveAdminKey(server(), key.id, id)
    // One that is idle does not count.
    await signIn(server(), key.value)
    server().world.ahead += IDLE_SECONDS
    await server().events()
    const cookies = []
    for (let n = 0; n < MOST_SESSIONS; n++) {
      cookies.push(await signIn(server(), key.value))
      server().world.ahead += 1
    }
    expect(await server().events()).toEqual({ 'login.succeeded': MOST_SESSIONS })
    await signIn(server(), key.value)
    expect(await server().events()).toEqual({ 'logout.succeeded': 1, 'login.succeeded': 1 })
    expect([(await get(cookies[0]!)).status, (await get(cookies[1]!)).status]).toEqual([401, 200])
  })

  test('signing out ends the session and takes the cookie away', async () => {
    const cookie = await signIn(server())
    await server().events()
    const out = await fromBrowser(server(), cookie, 'DELETE', '/organization/sessions/current')
    expect(out).toMatchObject({ status: 200, json: { object: 'organization.session.deleted', deleted: true } })
    expect(out.cookie).toBe('__Host-keyhall=; Max-Age=0; HttpOnly; Secure; SameSite=Strict; Path=/')
    expect(await server().events()).toEqual({ 'logout.succeeded': 1 })
    expect(await get(cookie)).toMatchObject({ status: 401, json: { error: { code: 'session_ended' } } })
  })

  test('ends after twelve hours, and after one without use', async () => {
    const { world, context } = server()
    const [used, unused] = [await signIn(server()), await signIn(server())]
    const began = world.ahead
    while (world.ahead < began + 12 * 3600 - 1800) {
      world.ahead += 1800
      expect((await get(used)).status).toBe(200)
      await context.lastUsed.flush()
    }
    expect((await get(unused)).status).toBe(401)
    world.ahead = began + 12 * 3600
    expect((await get(used)).status).toBe(401)
  })

  test('ends when the admin key that it began with is deleted or expires', async () => {
    const key = await newAdminKey(server())
    const short = await newAdminKey(server(), { expires_in_seconds: 60 })
    const [one, other] = [await signIn(server(), key.value), await signIn(server(), short.value)]
    expect([(await get(one)).status, (await get(other)).status]).toEqual([200, 200])
    await server().client.admin.organization.adminAPIKeys.delete(key.id)
    server().world.ahead += 60
    expect([(await get(one)).status, (await get(other)).status]).toEqual([401, 401])
  })

  test('stays within the scopes of the admin key that it began with', async () => {
    const { value } = await newAdminKey(server(), { scopes: ['api.management.read'] })
    const cookie = await signIn(server(), value)
    const { project_id } = server()
    expect((await get(cookie, '/organization/users')).status).toBe(200)
    const [project] = (await get(cookie)).json.projects
    expect({ id: project.id, can_create_keys: project.can_create_keys }).toEqual({
      id: project_id,
      can_create_keys: false,
    })
    expect(project.permissions).toContain('api.management.read')
    expect(project.permissions).not.toContain('api.management.write')
    const body = { project_id, name: 'laptop' }
    for (const [path, sent] of [
      ['/organization/projects', { name: 'New' }],
      ['/organization/me/api_keys', body],
      ['/organization/admin_api_keys', { name: 'more' }],
    ] as const)
      expect((await fromBrowser(server(), cookie, 'POST', path, sent)).status).toBe(403)
    expect((await get(cookie, '/organization/usage/completions?start_time=1790000000')).status).toBe(403)
    expect((await fromBrowser(server(), cookie, 'DELETE', '/organization/sessions/current')).status).toBe(200)
  })

  test('makes keys of its person, which open the project, and deletes them', async () => {
    const cookie = await signIn(server())
    const { id: project_id } = await newProject(server())
    await server().events()
    const path = '/organization/me/api_keys'
    const made = await fromBrowser(server(), cookie, 'POST', path, { project_id, name: 'laptop' })
    expect(made.json).toMatchObject({ project_id, name: 'laptop', owner: { user: { id: server().owner_id } } })
    expect(await server().opens(made.json.value)).toBe(200)
    const list = await get(cookie, `${path}?project_id=${project_id}`)
    expect(list.json.data).toMatchObject([{ id: made.json.id }])
    expect(JSON.stringify(list.json)).not.toContain(made.json.value)
    const gone = await fromBrowser(server(), cookie, 'DELETE', `${path}/${made.json.id}`)
    expect(gone.json).toMatchObject({ id: made.json.id, deleted: true })
    expect(await server().opens(made.json.value)).toBe(401)
    expect(await server().events()).toEqual({ 'api_key.created': 1, 'api_key.deleted': 1 })
  })

  test('is in the audit log as the person, from where they signed in', async () => {
    const cookie = await signIn(server())
    await fromBrowser(server(), cookie, 'POST', '/organization/projects', { name: 'Seen' })
    const { data } = await server().client.admin.organization.auditLogs.list({ limit: 1 })
    expect(data[0]).toMatchObject({
      type: 'project.created',
      actor: { type: 'session', session: { user: { id: server().owner_id, email: 'owner@example.com' } } },
    })
  })

  test('sessions are listed, and the owner ends those of others', async () => {
    const email = uniqueEmail()
    await addPerson(server(), { id: `user-${email.split('@')[0]}`, email, role: 'owner' })
    const [one, other] = [await signIn(server()), await signIn(server())]
    const { data } = (await get(one, '/organization/sessions')).json
    expect(data.filter(({ current }: { current: boolean }) => current)).toHaveLength(1)
    const { id } = data.find(({ current }: { current: boolean }) => !current)
    expect((await fromBrowser(server(), one, 'DELETE', `/organization/sessions/${id}`)).status).toBe(200)
    expect((await get(other)).status).toBe(401)
    expect((await get(one)).status).toBe(200)
  })
})
