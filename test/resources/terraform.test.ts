/**
 * What Terraform providers send and compare, read in the sources of openai/openai, mkdev-me/openai
 * and jianyuan/openai: an answer that is not what was configured ends an apply with "inconsistent
 * result", and a 404 is how a provider sees that something is gone.
 */
import { expect, test } from 'bun:test'
import { linkInvite } from '../../admin/invites/link.ts'
import { make, newGroup, newPerson, newProject, newRole, newServiceAccount, uniqueEmail } from '../made.ts'
import { onBothEngines, testPepper } from '../setup.ts'

onBothEngines('what Terraform providers depend on', (server) => {
  /** The answer, with its status as `http`. */
  const send = async (method: string, path: string, body?: unknown): Promise<Record<string, any>> => {
    const response = await server().request(method, path, body)
    return { http: response.status, ...((await response.json()) as object) }
  }

  test('a role keeps its permissions in the order in which they were sent last', async () => {
    const { id: project_id } = await newProject(server())
    for (const path of ['/organization/roles', `/projects/${project_id}/roles`]) {
      const permissions = ['api.webhooks.read', 'api.groups.read']
      const role = await make<{ id: string }>(server(), path, { role_name: 'In order', permissions })
      await server().events()
      const turned = { permissions: permissions.toReversed(), description: '' }
      for (const body of [turned, turned])
        expect(await send('POST', `${path}/${role.id}`, body)).toMatchObject({ http: 200, ...turned })
      expect(await send('GET', `${path}/${role.id}`)).toMatchObject(turned)
      expect(await server().events()).toEqual({ 'role.updated': 1 })
      expect(await send('POST', `${path}/${role.id}`, { permissions: turned.permissions })).toMatchObject(turned)
      const again = { permissions }
      expect(await send('POST', `${path}/${role.id}`, again)).toMatchObject(again)
      expect(await server().events()).toEqual({ 'role.updated': 1 })
    }
  })

  test('an invite answers the address and the projects as they were sent', async () => {
    const [one, two] = [await newProject(server()), await newProject(server())]
    const sent = {
      email: uniqueEmail().replace('recipe', 'Recipe'),
      role: 'reader',
      projects: [
        { id: two.id, role: 'owner' },
        { id: one.id, role: 'member' },
      ],
    }
    const invite = await send('POST', '/organization/invites', sent)
    expect(invite).toMatchObject({ status: 'pending', ...sent })
    expect(await send('GET', `/organization/invites/${invite.id}`)).toMatchObject(sent)
    const nowhere = { email: uniqueEmail(), role: 'owner', projects: [] }
    expect(await send('POST', '/organization/invites', nowhere)).toMatchObject(nowhere)
  })

  test('a deleted object answers 404 "not found" to a read and to a second delete', async () => {
    const { id: project_id } = await newProject(server())
    const [group, role, person] = [await newGroup(server()), await newRole(server()), await newPerson(server())]
    const account = await newServiceAccount(server())
    const key = await make(server(), '/organization/admin_api_keys', { name: 'Terraform' })
    const invite = await make(server(), '/organization/invites', { email: uniqueEmail(), role: 'reader' })
    const projectRole = await make(server(), `/projects/${project_id}/roles`, { role_name: 'Keys', permissions: [] })
    const project = `/organization/projects/${project_id}`
    await make(server(), `/organization/groups/${group.id}/users`, { user_id: person })
    await make(server(), `/organization/groups/${group.id}/roles`, { role_id: role.id })
    await make(server(), `/organization/users/${person}/roles`, { role_id: role.id })
    await make(server(), `${project}/users`, { user_id: person, role: 'member' })
    await make(server(), `${project}/groups`, { group_id: group.id, role: 'role-api-project-member' })
    await make(server(), `/projects/${project_id}/groups/${group.id}/roles`, { role_id: projectRole.id })
    await make(server(), `/projects/${project_id}/users/${person}/roles`, { role_id: projectRole.id })
    for (const path of [
      `/projects/${project_id}/groups/${group.id}/roles/${projectRole.id}`,
      `/projects/${project_id}/groups/${group.id}/roles/role-api-project-member`,
      `/projects/${project_id}/users/${person}/roles/${projectRole.id}`,
      `${project}/users/${person}`,
      `/projects/${project_id}/roles/${projectRole.id}`,
      `/organization/groups/${group.id}/users/${person}`,
      `/organization/users/${person}/roles/${role.id}`,
      `/organization/groups/${group.id}/roles/${role.id}`,
      `/organization/roles/${role.id}`,
      `/organization/groups/${group.id}`,
      `/organization/projects/${account.project_id}/service_accounts/${account.id}`,
      `/organization/admin_api_keys/${key.id}`,
      `/organization/invites/${invite.id}`,
      `/organization/users/${person}`,
    ]) {
      const answers = [
        await send('GET', path),
        await send('DELETE', path),
        await send('GET', path),
        await send('DELETE', path),
      ]
      const gone = { http: 404, error: { message: expect.stringContaining('not found') } }
      expect([path, ...answers]).toMatchObject([path, { http: 200 }, { deleted: true }, gone, gone])
    }
  })

  test('an account made without a role has only what groups and its project give it', async () => {
    const { id: project_id } = await newProject(server())
    const accounts = `/organization/projects/${project_id}/service_accounts`
    const { id: user_id } = await send('POST', accounts, { name: 'CI', create_service_account_only: true })
    const key = await send('POST', `${accounts}/${user_id}/api_keys`, { name: 'CI' })
    const group = await newGroup(server())
    await send('POST', `/organization/projects/${project_id}/groups`, {
      group_id: group.id,
      role: 'role-api-project-member',
    })
    const roles = `/projects/${project_id}/users/${user_id}/roles`
    const member = `role-api-project-member__api-project__${project_id}`
    // Made, read, destroyed: `openai_group_user`, then `openai_project_user_role`.
    for (const { path, body, read, made } of [
      {
        path: `/organization/groups/${group.id}/users`,
        body: { user_id },
        read: user_id,
        made: { id: user_id, name: 'CI', email: null, picture: null, is_service_account: true, user_type: 'user' },
      },
      { path: roles, body: { role_id: 'role-api-project-member' }, read: member, made: { id: member, name: 'member' } },
    ]) {
      expect(await server().opens(key.value)).toBe(403)
      expect(await send('POST', path, body)).toMatchObject({ http: 200 })
      expect(await server().opens(key.value)).toBe(200)
      expect(await send('GET', `${path}/${read}`)).toMatchObject({ http: 200, ...made })
      expect(await send('DELETE', `${path}/${read}`)).toMatchObject({ http: 200, deleted: true })
      expect(await server().opens(key.value)).toBe(403)
      const gone = { http: 404, error: { message: expect.stringContaining('not found') } }
      expect(await send('GET', `${path}/${read}`)).toMatchObject(gone)
      expect(await send('DELETE', `${path}/${read}`)).toMatchObject(gone)
    }
  })

  test('a list is walked by the id of its last item where a provider does not look at `next`', async () => {
    const made = [await newGroup(server()), await newGroup(server()), await newGroup(server())].map(({ id }) => id)
    const seen: string[] = []
    for (let after = '', more = true; more;) {
      const page = await send('GET', `/organization/groups?limit=2&after=${after}`)
      for (const { id } of page.data) seen.push((after = id))
      more = page.has_more
    }
    expect(seen).toEqual(expect.arrayContaining(made))
    expect(new Set(seen).size).toBe(seen.length)
  })

  test('archiving takes the body `null`; archived projects are listed when asked for', async () => {
    const { id } = await newProject(server())
    expect(await send('POST', `/organization/projects/${id}/archive`, 'null')).toMatchObject({ status: 'archived' })
    const { data } = await send('GET', '/organization/projects?include_archived=true&limit=100')
    expect(data).toContainEqual(expect.objectContaining({ id, status: 'archived' }))
  })

  test('an owner joins and leaves a project like anybody, and keeps access', async () => {
    const promoted = await newPerson(server())
    const { id: project_id } = await newProject(server())
    const users = `/organization/projects/${project_id}/users`
    await make(server(), users, { user_id: promoted, role: 'member' })
    await make(server(), `/organization/users/${promoted}`, { role: 'owner' })
    // The owner of the calling key is a member because the key made the project, which Terraform
    // does not know.
    for (const user_id of [server().owner_id, promoted]) {
      const key = { name: 'Of an owner', user_id }
      const { id: key_id } = await make(server(), `/organization/projects/${project_id}/api_keys`, key)
      const added = await send('POST', users, { user_id, role: 'member' })
      expect(added).toMatchObject(user_id === promoted ? { http: 409 } : { http: 200, role: 'member' })
      expect(await send('POST', users, { user_id, role: 'member' })).toMatchObject({ http: 409 })
      expect(await send('POST', `${users}/${user_id}`, { role: 'viewer' })).toMatchObject({ http: 200, role: 'viewer' })
      expect(await send('GET', `${users}/${user_id}`)).toMatchObject({ http: 200, role: 'viewer' })
      expect(await send('DELETE', `${users}/${user_id}`)).toMatchObject({ http: 200, deleted: true })
      expect(await send('GET', `${users}/${user_id}`)).toMatchObject({ http: 404 })
      const owner = { user: { id: user_id, role: 'owner' } }
      const shown = await send('GET', `/organization/projects/${project_id}/api_keys/${key_id}`)
      expect(shown).toMatchObject({ owner_project_access: 'active', owner })
      expect(await send('POST', users, { user_id, role: 'member' })).toMatchObject({ http: 200, role: 'member' })
    }
  })

  test('a group and its custom role are added in either order; one built-in role only', async () => {
    const { id: project_id } = await newProject(server())
    const role = { role_name: 'Prompter', permissions: ['api.model.request'] }
    const { id: role_id } = await make(server(), `/projects/${project_id}/roles`, role)
    for (const order of ['role first', 'group first']) {
      const { id: group_id } = await newGroup(server())
      const groups = `/organization/projects/${project_id}/groups`
      const roles = `/projects/${project_id}/groups/${group_id}/roles`
      const steps = [() => send('POST', roles, { role_id }), () => send('POST', groups, { group_id, role: 'member' })]
      await server().events()
      for (const step of order === 'role first' ? steps : steps.toReversed())
        expect([order, await step()]).toMatchObject([order, { http: 200 }])
      expect(await server().events()).toEqual({ 'role.assignment.created': 2 })
      const { data } = await send('GET', roles)
      expect(data.map(({ name }: { name: string }) => name)).toEqual(['member', 'Prompter'])
      expect(await send('POST', groups, { group_id, role: 'viewer' })).toMatchObject({
        http: 400,
        error: { message: expect.stringContaining('already exists in project') },
      })
      expect(await send('DELETE', `${groups}/${group_id}`)).toMatchObject({ http: 200 })
      expect((await send('GET', roles)).data).toEqual([])
      expect(await server().events()).toEqual({ 'role.assignment.deleted': 2 })
    }
  })

  test('an admin key shows its scopes only where they were asked for', async () => {
    const keys = '/organization/admin_api_keys'
    for (const [asked, shown] of [
      [{}, undefined],
      [{ scopes: null }, undefined],
      [{ scopes: ['api.management.read'] }, ['api.management.read']],
    ] as const) {
      const made = await send('POST', keys, { name: 'Terraform', ...asked })
      const listed = (await send('GET', `${keys}?order=desc`)).data.find(({ id }: { id: string }) => id === made.id)
      for (const key of [made, await send('GET', `${keys}/${made.id}`), listed]) {
        expect(key.scopes).toEqual(shown)
        expect('scopes' in key).toBe(shown !== undefined)
      }
    }
  })

  test('the built-in roles of the organization have the descriptions of the service', async () => {
    const { data } = await send('GET', '/organization/roles')
    expect(data.slice(0, 2)).toMatchObject([
      { name: 'owner', description: 'Can modify billing information and manage organization members' },
      { name: 'reader', description: 'Can make standard API requests and read basic organizational data' },
    ])
  })

  test('refusals have the words that a provider looks for', async () => {
    const { id } = await newProject(server())
    const person = await newPerson(server())
    const users = `/organization/projects/${id}/users`
    const invite = await make(server(), '/organization/invites', { email: uniqueEmail(), role: 'reader' })
    const { token } = await linkInvite(server().database, [testPepper], server().world, invite.id)
    await make(server(), '/organization/invites/accept', { token, name: 'Ann' })
    await make(server(), users, { user_id: person, role: 'member' })
    for (const [method, path, body, words] of [
      ['POST', users, { user_id: person, role: 'member' }, 'already exists in project'],
      ['DELETE', `/organization/invites/${invite.id}`, undefined, 'already accepted'],
    ] as const)
      expect(await send(method, path, body)).toMatchObject({ error: { message: expect.stringContaining(words) } })
  })
})
