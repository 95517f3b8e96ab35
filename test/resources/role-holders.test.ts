/** Who holds a role, in the organization and in a project. */
import { expect, test } from 'bun:test'
import { Keyhall } from '../../client/index.ts'
import { make, newGroup, newPerson, newProject, newRole, newServiceAccount } from '../made.ts'
import { onBothEngines } from '../setup.ts'

onBothEngines('the holders of a role', (server) => {
  const organization = () => {
    const { admin_key, fetch } = server()
    return new Keyhall({
      adminAPIKey: admin_key,
      baseURL: 'http://keyhall.test/v1',
      fetch: (url, init) => fetch(new Request(url, init)),
    }).admin.organization
  }

  test('are the people and groups that were given it, oldest first, each once and page by page', async () => {
    const { roles, users, groups } = organization()
    const { id: role_id } = await newRole(server())
    const { id: other } = await newRole(server())
    const [ann, ben] = [await newPerson(server()), await newPerson(server())]
    const { id: group_id } = await newGroup(server())
    await users.roles.create(ann, { role_id: other })
    for (const id of [ann, ben]) await users.roles.create(id, { role_id })
    await groups.roles.create(group_id, { role_id })
    // Who holds it through a group alone is not listed: the group is.
    await groups.users.create(group_id, { user_id: server().owner_id })
    const seen = []
    for await (const holder of roles.holders.list(role_id, { limit: 1 })) seen.push(holder)
    const types = Object.fromEntries(seen.map(({ id, type }) => [id, type]))
    expect(types).toEqual({ [ann]: 'user', [ben]: 'user', [group_id]: 'group' })
    expect(seen.length).toBe(3)
    expect(seen.find(({ id }) => id === ann)).toMatchObject({
      name: expect.any(String),
      email: expect.stringContaining('@'),
    })
    expect(seen.find(({ id }) => id === group_id)).toMatchObject({ email: null })
    // Somebody who has lost the role is still a cursor.
    const { id: first } = seen[0]!
    await (first === group_id
      ? groups.roles.delete(role_id, { group_id })
      : users.roles.delete(role_id, { user_id: first }))
    const rest = await roles.holders.list(role_id, { after: first })
    expect(rest.data.map(({ id }) => id)).toEqual(seen.slice(1).map(({ id }) => id))
    await server().events()
  })

  test('of a built-in role are found by its short and long id, in the organization and in a project', async () => {
    const { roles, projects } = organization()
    const { owner_id, organization_id } = server()
    for (const id of [
      'role-api-organization-owner',
      `role-api-organization-owner__api-organization__${organization_id}`,
    ])
      expect((await roles.holders.list(id)).data.map((holder) => holder.id)).toContain(owner_id)
    const { id: project_id } = await newProject(server())
    const ann = await newPerson(server())
    await make(server(), `/organization/projects/${project_id}/users`, { user_id: ann, role: 'viewer' })
    const viewers = await projects.roles.holders.list('role-api-project-viewer', { project_id })
    expect(viewers.data).toMatchObject([{ id: ann, type: 'user' }])
    await server().events()
  })

  test('of a role of a project are service accounts too, and a role of another project is unknown', async () => {
    const { projects } = organization()
    const account = await newServiceAccount(server())
    const { project_id } = account
    const role = await make(server(), `/projects/${project_id}/roles`, { role_name: 'Robot', permissions: [] })
    await projects.users.roles.create(account.id, { project_id, role_id: role.id })
    const { data } = await projects.roles.holders.list(role.id, { project_id })
    expect(data).toMatchObject([{ id: account.id, type: 'service_account', name: 'Recipe', email: null }])
    const elsewhere = await newProject(server())
    const path = `/projects/${elsewhere.id}/roles/${role.id}/holders`
    expect((await server().request('GET', path)).status).toBe(404)
    await server().events()
  })
})
