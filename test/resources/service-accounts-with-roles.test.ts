/** Roles that service accounts have in their project, besides those of their groups. */
import { expect, test } from 'bun:test'
import { make, newGroup, newServiceAccount } from '../made.ts'
import { onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'
import { closed, open, serviceAccountsOf } from './service-accounts.ts'

onBothEngines('service accounts with roles', (server) => {
  const { organization, projects, assigned, loneAccount, seen, scopesOf, rolesOf, roleOf, grouped, customRole } =
    serviceAccountsOf(server)

  test('the role of an account and the assignment of that role show the same', async () => {
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

    // As people do, an account holds several; the highest is shown, and what was given on top is
    // taken without the rest.
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

  test('the role that an account was made with can be taken away', async () => {
    const { id, project_id, api_key } = await newServiceAccount(server())
    const account = { id, project_id, name: 'Recipe', key: api_key }
    expect(await seen(account)).toEqual(open('member'))
    await assigned().delete('role-api-project-member', { project_id, user_id: id })
    expect([await roleOf(account), await seen(account)]).toEqual(['none', closed])
    await assigned().create(id, { project_id, role_id: 'role-api-project-member' })
    expect([await roleOf(account), await seen(account)]).toEqual(['member', open('member')])
  })

  test('custom roles add permissions; a viewer is shown as a member and may only read', async () => {
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

  test('nobody can give an account more than they have', async () => {
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

  test('in an archived project no role can be changed and no key has access', async () => {
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

  test('an account with roles is not listed among people', async () => {
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
