import { expect, test } from 'bun:test'
import { addPerson, onBothEngines } from '../setup.ts'

onBothEngines('people and access', (server) => {
  test('a role held through a group opens a project, and closing the group closes it', async () => {
    const { client, project_id } = server()
    const { organization } = client.admin
    const ann = await addPerson(server(), { id: 'user-ann', email: 'ann@example.com' })
    await server().events()
    const group = await organization.groups.create({ name: 'Research' })
    await organization.groups.users.create(group.id, { user_id: ann })
    await organization.projects.groups.create(project_id, { group_id: group.id, role: 'role-api-project-member' })
    const key = await client.post<{ id: string }>(`/organization/projects/${project_id}/api_keys`, {
      body: { name: 'laptop', user_id: ann },
      headers: { authorization: `Bearer ${server().admin_key}` },
    })
    const find = () => organization.projects.apiKeys.retrieve(key.id, { project_id })
    expect(await find()).toMatchObject({ owner_project_access: 'active', owner: { user: { id: ann, role: 'member' } } })
    const held = await organization.projects.users.roles.list(ann, { project_id })
    expect(held.data).toMatchObject([
      { name: 'member', assignment_sources: [{ principal_id: group.id, principal_type: 'group' }] },
    ])
    await organization.groups.delete(group.id)
    expect(await find()).toMatchObject({ owner_project_access: 'inactive', owner: { user: { role: 'none' } } })
    expect(await server().events()).toEqual({
      'group.created': 1,
      'tenant.group.member.added': 1,
      'role.assignment.created': 1,
      'api_key.created': 1,
      'group.deleted': 1,
    })
  })

  test('membership and the built-in role are two views of one thing', async () => {
    const { client, project_id, owner_id } = server()
    const { projects, users, roles, groups } = client.admin.organization
    const bob = await addPerson(server(), { id: 'user-bob', email: 'Bob@example.com' })
    await server().events()
    expect(await projects.users.create(project_id, { email: 'bob@EXAMPLE.com', role: 'member' })).toMatchObject({
      id: bob,
      role: 'member',
    })
    expect((await projects.users.roles.list(bob, { project_id })).data.map((role) => role.id)).toEqual([
      `role-api-project-member__api-project__${project_id}`,
    ])
    expect(await projects.users.update(bob, { project_id, role: 'owner' })).toMatchObject({ role: 'owner' })
    await projects.users.roles.delete('role-api-project-owner', { project_id, user_id: bob })
    expect(
      await projects.users.retrieve(bob, { project_id }).then(
        () => null,
        (error) => error.status,
      ),
    ).toBe(404)
    const custom = await roles.create({ role_name: 'Auditor', permissions: ['api.usage.read'] })
    await users.roles.create(bob, { role_id: custom.id })
    expect((await users.roles.list(bob)).data.map((role) => role.name)).toEqual(['reader', 'Auditor'])
    expect((await roles.list({ limit: 2 })).data.map((role) => role.name)).toEqual(['owner', 'reader'])
    const seen: string[] = []
    for await (const role of roles.list({ limit: 1 })) seen.push(role.name)
    expect(seen).toEqual(['owner', 'reader', 'Auditor'])
    expect(
      await users.update(owner_id, { role: 'reader' }).then(
        () => null,
        (error) => error.status,
      ),
    ).toBe(400)
    const group = await groups.create({ name: 'Owners' })
    await groups.users.create(group.id, { user_id: bob })
    await groups.roles.create(group.id, { role_id: 'role-api-organization-owner' })
    expect((await users.retrieve(bob)).role).toBe('owner')
    await users.roles.delete('role-api-organization-owner', { user_id: owner_id })
  })
})

onBothEngines('granting', (server) => {
  test('nobody grants what their key lacks, by custom role, group or changed role', async () => {
    const { groups, roles, adminAPIKeys } = server().client.admin.organization
    const cat = await addPerson(server(), { id: 'user-cat', email: 'cat@example.com' })
    const everything = await groups.create({ name: 'Everything' })
    await groups.roles.create(everything.id, { role_id: 'role-api-organization-owner' })
    const readers = await groups.create({ name: 'Nothing yet' })
    const usage = await roles.create({ role_name: 'Sees usage', permissions: ['api.usage.read'] })
    const reading = await roles.create({ role_name: 'Reads', permissions: ['api.management.read'] })
    const scopes = ['api.management.read', 'api.management.write']
    const { value } = await adminAPIKeys.create({ name: 'Terraform', scopes } as { name: string })
    await server().events()

    const restricted = server().clientWith(value).admin.organization
    for (const grant of [
      () => restricted.users.update(cat, { role_id: usage.id }),
      () => restricted.users.roles.create(cat, { role_id: usage.id }),
      () => restricted.groups.roles.create(readers.id, { role_id: usage.id }),
      () => restricted.groups.users.create(everything.id, { user_id: cat }),
      () => restricted.roles.update(reading.id, { permissions: ['api.management.read', 'api.usage.read'] }),
    ])
      expect(
        await (grant() as Promise<unknown>).then(
          () => 'granted',
          (error: Error) => error.message,
        ),
      ).toContain('Missing scopes: api.usage.read')
    expect(await server().events()).toEqual({})

    await restricted.users.roles.create(cat, { role_id: reading.id })
    await restricted.groups.users.create(readers.id, { user_id: cat })
    expect(await server().events()).toEqual({ 'role.assignment.created': 1, 'tenant.group.member.added': 1 })
  })
})
