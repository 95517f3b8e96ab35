/**
 * Nobody gets more through a session than their own roles permit: not by roles, groups, keys or
 * invites.
 */
import { expect, test } from 'bun:test'
import { make, newGroup, newProject, newServiceAccount, unique, uniqueEmail } from '../made.ts'
import { addPerson, onBothEngines } from '../setup.ts'
import { fromBrowser, signInAs } from './pages.ts'

let made = 0

onBothEngines('a session', (server) => {
  const projectRoles = (project_id: string) => `/projects/${project_id}/roles`

  /** Somebody whose only role is a custom one, in the organization or in a project. */
  async function holder(permissions: string[], project_id?: string) {
    const id = await addPerson(server(), { id: `user-holder${++made}`, email: uniqueEmail() })
    await server().client.admin.organization.users.update(id, { role: 'member' })
    const at = project_id ? projectRoles(project_id) : '/organization/roles'
    const role = await make(server(), at, { role_name: unique('Custom'), permissions })
    const assign = project_id ? `/projects/${project_id}/users/${id}/roles` : `/organization/users/${id}/roles`
    await make(server(), assign, { role_id: role.id })
    const cookie = await signInAs(server(), id)
    const post = (path: string, body: object) => fromBrowser(server(), cookie, 'POST', path, body)
    return { id, cookie, post }
  }

  const manage = ['api.management.read', 'api.management.write']

  test('of somebody who may manage a project, and not use it, makes nothing that uses it', async () => {
    const { id: account, project_id: project, api_key } = await newServiceAccount(server())
    const user = await addPerson(server(), { id: `user-used${++made}`, email: uniqueEmail(), project_id: project })
    const { id, post } = await holder(manage, project)
    const group = await newGroup(server())
    const full = await make(server(), projectRoles(project), {
      role_name: unique('Full'),
      permissions: ['api.model.request'],
    })
    const custom = await make(server(), projectRoles(project), { role_name: unique('Mine'), permissions: manage })
    await make(server(), `/projects/${project}/users/${id}/roles`, { role_id: custom.id })
    await server().events()
    const at = `/organization/projects/${project}`
    for (const [path, body] of [
      [`${at}/users`, { email: 'owner@example.com', role: 'owner' }],
      [`${at}/users/${user}`, { role: 'owner' }],
      [`${at}/users/${id}`, { role: 'viewer' }],
      [`${at}/groups`, { group_id: group.id, role: 'member' }],
      [`/projects/${project}/users/${id}/roles`, { role_id: full.id }],
      [`/projects/${project}/users/${id}/roles`, { role_id: 'role-api-project-owner' }],
      [`/projects/${project}/groups/${group.id}/roles`, { role_id: full.id }],
      [`${projectRoles(project)}/${custom.id}`, { permissions: [...manage, 'api.model.request'] }],
      [`${at}/api_keys`, { name: 'theirs', user_id: user }],
      [`${at}/api_keys`, { name: 'owner', user_id: server().owner_id, scopes: ['api.model.request'] }],
      [`${at}/api_keys/${api_key.id}/rotate`, {}],
      [`${at}/service_accounts`, { name: 'robot' }],
      [`${at}/service_accounts/${account}`, { role: 'owner' }],
      [`${at}/service_accounts/${account}/api_keys`, { name: 'more' }],
      ['/organization/me/api_keys', { project_id: project, name: 'mine' }],
    ] as const) {
      const answer = await post(path, body)
      expect([path, answer.status, answer.json.error?.code]).toEqual([path, 403, 'missing_scope'])
    }
    expect(await server().events()).toEqual({})
    // What they may do themselves they may give to others, and taking away is managing.
    expect((await post(`/projects/${project}/users/${user}/roles`, { role_id: custom.id })).status).toBe(200)
    expect((await post(`${at}/service_accounts`, { name: 'idle', create_service_account_only: true })).status).toBe(200)
  })

  test('of somebody who may manage the organization, and not own it, makes no owner and no key', async () => {
    const { id, post } = await holder(manage)
    const { id: account, project_id: project, api_key } = await newServiceAccount(server())
    const [owners, users] = [await newGroup(server()), await newGroup(server())]
    await make(server(), `/organization/groups/${owners.id}/roles`, { role_id: 'role-api-organization-owner' })
    await make(server(), `/projects/${project}/groups/${users.id}/roles`, { role_id: 'role-api-project-member' })
    await server().events()
    const oidc = { name: 'CI', type: 'oidc', issuer: 'https://issuer.example.com', audience: 'keyhall' }
    for (const [path, body, code] of [
      [`/organization/users/${id}`, { role: 'owner' }, 'missing_scope'],
      [`/organization/users/${id}/roles`, { role_id: 'role-api-organization-owner' }, 'missing_scope'],
      [`/organization/users/${id}/roles`, { role_id: 'role-api-organization-reader' }, 'missing_scope'],
      [`/organization/groups/${owners.id}/users`, { user_id: id }, 'missing_scope'],
      [`/organization/groups/${users.id}/users`, { user_id: id }, 'missing_scope'],
      ['/organization/invites', { email: uniqueEmail(), role: 'owner' }, 'only_for_owners'],
      ['/organization/invites', { email: uniqueEmail(), role: 'member', projects: [] }, 'only_for_owners'],
      [`/organization/groups/${owners.id}`, { name: 'ML team' }, 'missing_scope'],
      [`/organization/groups/${users.id}`, { name: 'ML team' }, 'missing_scope'],
      ['/organization/admin_api_keys', { name: 'mine' }, 'only_for_owners'],
      ['/organization/workload_identity_providers', oidc, 'only_for_owners'],
      [`/organization/projects/${project}/service_accounts/${account}/api_keys`, {}, 'missing_scope'],
      [`/organization/projects/${project}/users`, { user_id: id, role: 'member' }, 'missing_scope'],
    ] as const) {
      const answer = await post(path, body)
      expect([path, answer.status, answer.json.error?.code]).toEqual([path, 403, code])
    }
    expect(await server().events()).toEqual({})
    expect(await server().opens(api_key.value)).toBe(200)
    // A project that they make is not theirs to use.
    const { json } = await post('/organization/projects', { name: 'Managed' })
    expect(json.object).toBe('organization.project')
    expect((await post('/organization/me/api_keys', { project_id: json.id, name: 'mine' })).status).toBe(404)
  })

  test('of an owner of a project gives all roles and keys of it, and changes nothing elsewhere', async () => {
    const { id: project_id } = await newProject(server(), { name: `Owned ${++made}` })
    const id = await addPerson(server(), {
      id: `user-owns${made}`,
      email: uniqueEmail(),
      project_id,
      project_role: 'owner',
    })
    await server().client.admin.organization.users.update(id, { role: 'member' })
    const cookie = await signInAs(server(), id)
    const post = (path: string, body: object) => fromBrowser(server(), cookie, 'POST', path, body)
    const other = await addPerson(server(), { id: `user-joins${made}`, email: uniqueEmail() })
    const at = `/organization/projects/${project_id}`
    expect((await post(`${at}/users`, { user_id: other, role: 'owner' })).status).toBe(200)
    const key = await post(`${at}/api_keys`, { name: 'for somebody', user_id: other })
    expect(await server().opens(key.json.value)).toBe(200)
    const robot = await post(`${at}/service_accounts`, { name: 'robot' })
    expect(await server().opens(robot.json.api_key.value)).toBe(200)
    for (const [path, body] of [
      [`${at}/spend_limit`, { threshold_amount: 5000, currency: 'USD', interval: 'month' }],
      [`${at}/archive`, {}],
      [at, { name: 'Renamed' }],
      [`/organization/projects/${server().project_id}/users`, { user_id: other, role: 'viewer' }],
      ['/organization/projects/proj_unknown/users', { user_id: other, role: 'viewer' }],
      ['/organization/projects', { name: 'Another' }],
    ] as const)
      expect([path, (await post(path, body)).status]).toEqual([path, 403])
  })
})
