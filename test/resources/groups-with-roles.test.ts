/** What people own through a group, and what the audit log says when a group leaves a project. */
import { expect, test } from 'bun:test'
import { newGroup, newPerson, newProject, unique } from '../made.ts'
import { onBothEngines } from '../setup.ts'
import { refusal } from './refusal.ts'

onBothEngines('groups with roles', (server) => {
  const organization = () => server().client.admin.organization

  test('a group that leaves a project is recorded with each role that it had there', async () => {
    const { projects } = organization()
    const { id: project_id } = await newProject(server())
    const { id: group_id } = await newGroup(server())
    await projects.groups.create(project_id, { group_id, role: 'viewer' })
    const role = { role_name: unique('Role'), permissions: ['api.files.read'] }
    const { id: role_id } = await projects.roles.create(project_id, role)
    await projects.groups.roles.create(group_id, { project_id, role_id })
    await server().events()
    await projects.groups.delete(group_id, { project_id })
    expect(await server().events()).toEqual({ 'role.assignment.deleted': 2 })
    expect((await projects.groups.roles.list(group_id, { project_id })).data).toEqual([])
  })

  test('an owner through a group counts as an owner, so the first one may go', async () => {
    const { groups, users } = organization()
    const { owner_id } = server()
    const { id: group_id } = await newGroup(server())
    const user_id = await newPerson(server())
    const role_id = 'role-api-organization-owner'
    await groups.users.create(group_id, { user_id })
    expect(await refusal(users.delete(owner_id))).toMatchObject({ status: 400, code: 'last_owner' })
    await groups.roles.create(group_id, { role_id })
    expect(await users.retrieve(user_id)).toMatchObject({ role: 'owner' })
    // The key that asks is the first owner's, so it has no access from then on.
    await users.update(owner_id, { role: 'reader' })
    expect(await refusal(users.list())).toMatchObject({ status: 401 })
  })
})
