/** Service accounts as members of groups, with the roles that these hold. */
import { expect, test } from 'bun:test'
import { newGroup, newPerson, newProject, newRole, newServiceAccount } from '../made.ts'
import { addTenant, onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'
import { closed, open, serviceAccountsOf } from './service-accounts.ts'

onBothEngines('service accounts in groups', (server) => {
  const { organization, projects, assigned, loneAccount, seen, scopesOf, rolesOf, roleOf, grouped, customRole } =
    serviceAccountsOf(server)

  test('an account joins a group like a person, but has no address', async () => {
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

  test('an account that is deleted, or is elsewhere, gets the answer of an unknown one', async () => {
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

  const losses: Record<string, (account: Awaited<ReturnType<typeof grouped>>) => Promise<unknown>> = {
    'the account left the group': ({ id, group_id }) => organization().groups.users.delete(id, { group_id }),
    'the group left the project': ({ group_id, project_id }) => projects().groups.delete(group_id, { project_id }),
    'the group lost the role': ({ group_id, project_id, role_id }) =>
      projects().groups.roles.delete(role_id, { group_id, project_id }),
    'the group was deleted': ({ group_id }) => organization().groups.delete(group_id),
    'the role was deleted': ({ project_id, role_id }) => projects().roles.delete(role_id, { project_id }),
  }
  for (const [loss, lose] of Object.entries(losses))
    test(`a group gives the key of an account access, until ${loss}`, async () => {
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

  test('deleting an account ends its memberships and roles; cursors that name it still work', async () => {
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

  test('a membership that an older server left behind is not shown', async () => {
    const { id, group_id } = await grouped('role-api-project-member')
    await server().database.write((sql) =>
      sql.updateTable('service_accounts').set({ deleted_at: 1 }).where('id', '=', id).execute(),
    )
    expect((await organization().groups.users.list(group_id)).data).toEqual([])
    expect(await refusal(organization().groups.users.retrieve(id, { group_id }))).toMatchObject({ status: 404 })
  })

  test('a role of a group in the organization counts for its accounts as for people', async () => {
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
})
