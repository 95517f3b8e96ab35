/** Service accounts hold roles as people do: as members of groups, and by assignments in their project. */
import { expect, test } from 'bun:test'
import { make, newGroup, newPerson, newProject, newRole, newServiceAccount, unique } from '../made.ts'
import { addTenant, onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'

onBothEngines('service accounts with roles', (server) => {
  const organization = () => server().client.admin.organization
  const projects = () => organization().projects
  const assigned = () => projects().users.roles

  /** An account without a role, with a key, in a project of its own. */
  async function loneAccount() {
    const { id: project_id } = await newProject(server())
    const { id, name } = await projects().serviceAccounts.create(project_id, {
      name: unique('Robot'),
      create_service_account_only: true,
    })
    const key = await projects().serviceAccounts.apiKeys.create(id, { project_id })
    await server().events()
    return { id, name, project_id, key }
  }
  type Account = Awaited<ReturnType<typeof loneAccount>>

  /** Whether the key has access by the lists and by the gateway, and the role by which its owner is shown. */
  async function seen({ project_id, key }: Account) {
    const { owner, owner_project_access } = await projects().apiKeys.retrieve(key.id, { project_id })
    const active = await projects().apiKeys.list(project_id, { owner_project_access: 'active' })
    const everywhere = await server().request('GET', `/organization/api_keys?owner_ids[]=${owner.service_account!.id}`)
    const { data } = (await everywhere.json()) as { data: { owner_project_access: string }[] }
    return {
      role: owner.service_account!.role,
      access: [owner_project_access, data[0]!.owner_project_access],
      listed: active.data.length,
      status: await server().opens(key.value),
    }
  }
  const closed = { role: 'none', access: ['inactive', 'inactive'], listed: 0, status: 403 }
  const open = (role: string) => ({ role, access: ['active', 'active'], listed: 1, status: 200 })

  async function scopesOf({ key }: Account) {
    const headers = { authorization: `Bearer ${key.value}` }
    const answer = await server().fetch(new Request('http://keyhall.test/verify', { headers }))
    return answer.headers.get('x-keyhall-scopes')?.split(' ') ?? []
  }

  const rolesOf = async ({ id, project_id }: Account) => (await assigned().list(id, { project_id })).data
  const roleOf = async ({ id, project_id }: Account) =>
    (await projects().serviceAccounts.retrieve(id, { project_id })).role

  test('an account is a member of a group like a person, without an address', async () => {
    const { id, name } = await loneAccount()
    const group = await newGroup(server())
    const person = await newPerson(server())
    const { users } = organization().groups
    await server().events()
    expect(await users.create(group.id, { user_id: id })).toEqual({
      object: 'group.user',
      user_id: id,
      group_id: group.id,
    })
    expect(await users.retrieve(id, { group_id: group.id })).toEqual({
      id,
      name,
      email: null,
      picture: null,
      is_service_account: true,
      user_type: 'user',
    })
    await users.create(group.id, { user_id: person })
    expect(await users.retrieve(person, { group_id: group.id })).toMatchObject({ is_service_account: false })
    expect((await users.list(group.id, { order: 'asc' })).data.find((one) => one.id === id)).toEqual({
      id,
      name,
      email: null,
    })
    expect(await refusal(users.create(group.id, { user_id: id }))).toMatchObject({
      status: 409,
      message: expect.stringContaining('already a member'),
    })
    expect(await server().events()).toEqual({ 'tenant.group.member.added': 2 })
    expect(await users.delete(id, { group_id: group.id })).toEqual({ object: 'group.user.deleted', deleted: true })
    expect(await refusal(users.retrieve(id, { group_id: group.id }))).toMatchObject({ status: 404 })
    expect(await refusal(users.delete(id, { group_id: group.id }))).toMatchObject({ status: 404 })
    expect((await users.list(group.id)).data.map((one) => one.id)).toEqual([person])
    expect(await server().events()).toEqual({ 'tenant.group.member.removed': 1 })
  })

  test('an account that is deleted, of another organization or project, is as unknown as anybody', async () => {
    const { id: project_id } = await newProject(server())
    const deleted = await newServiceAccount(server())
    await projects().serviceAccounts.delete(deleted.id, deleted)
    const foreign = await newServiceAccount(await addTenant(server()))
    const elsewhere = await newServiceAccount(server())
    const group = await newGroup(server())
    const role_id = 'role-api-project-member'
    const answer = async (method: string, path: string, id: string, body?: object) => {
      const response = await server().request(method, path, body)
      return [response.status, (await response.text()).replaceAll(id, 'ID')]
    }
    await server().events()
    for (const [method, path, body] of [
      ['POST', `/organization/groups/${group.id}/users`, 'user_id'],
      ['GET', `/projects/${project_id}/users/ID/roles`],
      ['POST', `/projects/${project_id}/users/ID/roles`, 'role_id'],
      ['GET', `/projects/${project_id}/users/ID/roles/${role_id}`],
      ['DELETE', `/projects/${project_id}/users/ID/roles/${role_id}`],
      ['POST', '/organization/users/ID/roles', 'role_id'],
    ] as const) {
      const said = async (id: string) =>
        answer(method, path.replace('ID', id), id, body && { [body]: body === 'user_id' ? id : role_id })
      const unknown = await said('user-nobody')
      expect(unknown[0]).toBe(404)
      expect(await said(deleted.id)).toEqual(unknown)
      expect(await said(foreign.id)).toEqual(unknown)
      if (body !== 'user_id') expect(await said(elsewhere.id)).toEqual(unknown)
    }
    expect(await server().events()).toEqual({})
  })

  /** An account whose key is open through a group that holds this role in the project. */
  async function grouped(role: string) {
    const account = await loneAccount()
    const { id: group_id } = await newGroup(server())
    expect(await seen(account)).toEqual(closed)
    await organization().groups.users.create(group_id, { user_id: account.id })
    expect(await seen(account)).toEqual(closed)
    const role_id = role === 'custom' ? await customRole(account) : role
    await projects().groups.create(account.project_id, { group_id, role: role_id })
    await server().events()
    return { ...account, group_id, role_id }
  }
  const customRole = async ({ project_id }: Account) =>
    (await projects().roles.create(project_id, { role_name: unique('Role'), permissions: ['api.files.read'] })).id

  const losses: Record<string, (account: Awaited<ReturnType<typeof grouped>>) => Promise<unknown>> = {
    'the account left the group': ({ id, group_id }) => organization().groups.users.delete(id, { group_id }),
    'the group left the project': ({ group_id, project_id }) => projects().groups.delete(group_id, { project_id }),
    'the group lost the role': ({ group_id, project_id, role_id }) =>
      projects().groups.roles.delete(role_id, { group_id, project_id }),
    'the group was deleted': ({ group_id }) => organization().groups.delete(group_id),
    'the role was deleted': ({ project_id, role_id }) => projects().roles.delete(role_id, { project_id }),
  }
  for (const [loss, lose] of Object.entries(losses))
    test(`a group opens the key of an account, and it is closed when ${loss}`, async () => {
      const account = await grouped(loss.startsWith('the role') ? 'custom' : 'role-api-project-owner')
      expect(await seen(account)).toEqual(open(loss.startsWith('the role') ? 'member' : 'owner'))
      expect(await roleOf(account)).toBe('none')
      expect(await rolesOf(account)).toMatchObject([
        { assignment_sources: [{ principal_id: account.group_id, principal_type: 'group' }] },
      ])
      await lose(account)
      expect(await seen(account)).toEqual(closed)
      expect(await rolesOf(account)).toEqual([])
    })

  test('an account that goes leaves its groups and roles, and cursors that name it go on', async () => {
    const account = await grouped('role-api-project-member')
    const { id, project_id, group_id, key } = account
    const { users } = organization().groups
    const others = [await newPerson(server()), await newPerson(server())]
    for (const user_id of others) await users.create(group_id, { user_id })
    await assigned().create(id, { project_id, role_id: await customRole(account) })
    expect((await users.list(group_id)).data.map((one) => one.id).toSorted()).toEqual([...others, id].toSorted())
    const behind = async () => (await users.list(group_id, { after: id })).data.map((one) => one.id)
    const before = await behind()
    await server().events()
    await projects().serviceAccounts.delete(id, { project_id })
    expect(await server().events()).toEqual({ 'service_account.deleted': 1, 'api_key.deleted': 1 })
    expect(await server().opens(key.value)).toBe(401)
    expect((await users.list(group_id)).data.map((one) => one.id).toSorted()).toEqual(others.toSorted())
    expect(await refusal(users.retrieve(id, { group_id }))).toMatchObject({ status: 404 })
    expect(await behind()).toEqual(before)
    const { read } = server().database
    const left = [
      ...(await read.selectFrom('group_users').selectAll().where('user_id', '=', id).execute()),
      ...(await read.selectFrom('role_assignments').selectAll().where('principal_id', '=', id).execute()),
    ]
    expect(left).toEqual([])
  })

  test('a membership that an older server left behind when it deleted an account is not shown', async () => {
    const { id, group_id } = await grouped('role-api-project-member')
    await server().database.write((sql) =>
      sql.updateTable('service_accounts').set({ deleted_at: 1 }).where('id', '=', id).execute(),
    )
    expect((await organization().groups.users.list(group_id)).data).toEqual([])
    expect(await refusal(organization().groups.users.retrieve(id, { group_id }))).toMatchObject({ status: 404 })
  })

  test("an account's own role and the assignment of a built-in one are two views of one thing", async () => {
    const account = await loneAccount()
    const { id, name, project_id } = account
    const of = { project_id, user_id: id }
    const names = async () => (await rolesOf(account)).map((role) => role.name)
    expect(await assigned().create(id, { project_id, role_id: 'role-api-project-member' })).toMatchObject({
      object: 'user.role',
      user: { object: 'organization.user', id, name, email: null, is_service_account: true },
      role: { id: `role-api-project-member__api-project__${project_id}` },
    })
    expect(await server().events()).toEqual({ 'role.assignment.created': 1 })
    expect([await roleOf(account), await names(), await seen(account)]).toEqual(['member', ['member'], open('member')])

    // As people do, an account holds several; the highest is shown, and what was given on top is taken without the rest.
    await assigned().create(id, { project_id, role_id: 'role-api-project-owner' })
    expect([await roleOf(account), await names()]).toEqual(['owner', ['owner', 'member']])
    await assigned().delete('role-api-project-owner', of)
    expect([await roleOf(account), await names(), await seen(account)]).toEqual(['member', ['member'], open('member')])
    await server().events()

    // The role of the account is one of its assignments, and takes the place of the others.
    await projects().serviceAccounts.update(id, { project_id, role: 'owner' })
    expect([await roleOf(account), await names(), await seen(account)]).toEqual(['owner', ['owner'], open('owner')])
    expect(await assigned().retrieve('role-api-project-owner', of)).toMatchObject({ assignment_sources: null })
    expect(await refusal(assigned().retrieve('role-api-project-member', of))).toMatchObject({ status: 404 })
    await assigned().create(id, { project_id, role_id: 'role-api-project-owner' })
    expect(await server().events()).toEqual({ 'service_account.updated': 1 })
    await assigned().create(id, { project_id, role_id: 'role-api-project-member' })
    await projects().serviceAccounts.update(id, { project_id, role: 'owner' })
    expect(await names()).toEqual(['owner'])
    expect(await server().events()).toEqual({ 'role.assignment.created': 1, 'service_account.updated': 1 })
    await assigned().delete('role-api-project-owner', of)
    expect([await roleOf(account), await names(), await seen(account)]).toEqual(['none', [], closed])
    expect(await refusal(assigned().delete('role-api-project-owner', of))).toMatchObject({ status: 404 })
    expect(await server().events()).toEqual({ 'role.assignment.deleted': 1 })
  })

  test('the role with which an account was made is taken like any other', async () => {
    const { id, project_id, api_key } = await newServiceAccount(server())
    const account = { id, project_id, name: 'Recipe', key: { ...api_key } } as unknown as Account
    expect(await seen(account)).toEqual(open('member'))
    await assigned().delete('role-api-project-member', { project_id, user_id: id })
    expect([await roleOf(account), await seen(account)]).toEqual(['none', closed])
    await assigned().create(id, { project_id, role_id: 'role-api-project-member' })
    expect([await roleOf(account), await seen(account)]).toEqual(['member', open('member')])
  })

  test('custom roles add to it, and a viewer is shown as a member who may only read', async () => {
    const account = await loneAccount()
    const { id, project_id } = account
    const role_id = await customRole(account)
    await assigned().create(id, { project_id, role_id })
    expect([await roleOf(account), await seen(account)]).toEqual(['member', open('member')])
    expect(await scopesOf(account)).toEqual(['api.files.read'])
    await assigned().create(id, { project_id, role_id: 'role-api-project-viewer' })
    expect([await roleOf(account), await seen(account)]).toEqual(['member', open('member')])
    expect(await scopesOf(account)).toContain('api.model.read')
    expect(await scopesOf(account)).not.toContain('api.model.request')
    // The update is asked for a role that is shown already, and still gives it.
    await projects().serviceAccounts.update(id, { project_id, role: 'member' })
    expect((await rolesOf(account)).map((role) => role.name)).toEqual(['member', expect.stringContaining('Role')])
    expect(await scopesOf(account)).toContain('api.model.request')
    await projects().roles.delete(role_id, { project_id })
    expect((await rolesOf(account)).map((role) => role.name)).toEqual(['member'])
    await server().events()
  })

  test('roles of a group in the organization count for accounts as for people', async () => {
    const account = await loneAccount()
    const { id, project_id } = account
    const reading = await newGroup(server())
    const usage = await newRole(server())
    await organization().groups.users.create(reading.id, { user_id: id })
    await organization().groups.roles.create(reading.id, { role_id: usage.id })
    expect(await seen(account)).toEqual(closed)
    await assigned().create(id, { project_id, role_id: 'role-api-project-viewer' })
    expect(await scopesOf(account)).toContain('api.usage.read')
    await assigned().delete('role-api-project-viewer', { project_id, user_id: id })
    expect(await seen(account)).toEqual(closed)

    await organization().groups.roles.create(reading.id, { role_id: 'role-api-organization-owner' })
    expect(await seen(account)).toEqual(open('owner'))
    expect(await scopesOf(account)).toContain('api.management.write')
    // No person is an owner by that: the last one stays.
    expect(await refusal(organization().users.update(server().owner_id, { role: 'reader' }))).toMatchObject({
      status: 400,
      code: 'last_owner',
    })
    await organization().groups.users.delete(id, { group_id: reading.id })
    expect(await seen(account)).toEqual(closed)
    await server().events()
  })

  test('nobody grants to an account what they do not hold', async () => {
    const { id } = await loneAccount()
    const owners = await newGroup(server())
    await organization().groups.roles.create(owners.id, { role_id: 'role-api-organization-owner' })
    const scopes = ['api.management.read', 'api.management.write']
    const { value } = await make<{ value: string }>(server(), '/organization/admin_api_keys', { name: 'few', scopes })
    await server().events()
    const restricted = server().clientWith(value).admin.organization
    expect(await refusal(restricted.groups.users.create(owners.id, { user_id: id }))).toMatchObject({ status: 403 })
    expect(await server().events()).toEqual({})
  })

  test('in an archived project nothing is given or taken, and no role opens anything', async () => {
    const account = await grouped('role-api-project-owner')
    const { id, project_id, group_id } = account
    await projects().archive(project_id)
    expect(await seen(account)).toMatchObject({ access: ['inactive', 'inactive'], status: 403 })
    const body = { project_id, role_id: 'role-api-project-member' }
    expect(await refusal(assigned().create(id, body))).toMatchObject({ status: 400, code: 'project_archived' })
    const of = { project_id, user_id: id }
    expect(await refusal(assigned().delete('role-api-project-owner', of))).toMatchObject({ status: 400 })
    expect((await rolesOf(account)).map((role) => role.name)).toEqual(['owner'])
    // The group is no part of the project.
    await organization().groups.users.delete(id, { group_id })
    expect(await rolesOf(account)).toEqual([])
    await server().events()
  })

  test('an account with roles is still nobody whom the people of the project or the organization show', async () => {
    const { id, project_id } = await grouped('role-api-project-owner')
    await assigned().create(id, { project_id, role_id: 'role-api-project-member' })
    expect((await projects().users.list(project_id)).data.map((one) => one.id)).toEqual([server().owner_id])
    expect((await organization().users.list()).data.map((one) => one.id)).not.toContain(id)
    for (const call of [
      () => projects().users.retrieve(id, { project_id }),
      () => projects().users.update(id, { project_id, role: 'owner' }),
      () => projects().users.delete(id, { project_id }),
      () => projects().users.create(project_id, { user_id: id, role: 'member' }),
      () => organization().users.retrieve(id),
      () => organization().users.roles.list(id),
    ])
      expect(await refusal(call() as Promise<unknown>)).toMatchObject({ status: 404 })
    await server().events()
  })
})
