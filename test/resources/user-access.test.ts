/** What a person can reach: the role in the organization, permissions, and projects. */
import { expect, test } from 'bun:test'
import { make, newGroup, uniqueEmail } from '../made.ts'
import { addPerson, onBothEngines } from '../setup.ts'

let made = 0

onBothEngines('the access of a person', (server) => {
  const newHolder = (role: 'owner' | 'reader' | 'member') =>
    addPerson(server(), { id: `user-holder${++made}`, email: uniqueEmail(), role })

  const accessOf = async (id: string) =>
    (await server().request('GET', `/organization/users/${id}/access`)).json() as Promise<any>

  test('says the role in the organization, which is "member" for none', async () => {
    for (const role of ['owner', 'reader', 'member'] as const) {
      const id = await newHolder(role)
      expect(await accessOf(id)).toMatchObject({ user_id: id, role })
    }
  })

  test('counts a role that a group gives', async () => {
    const id = await newHolder('member')
    const group = await newGroup(server())
    await make(server(), `/organization/groups/${group.id}/users`, { user_id: id })
    await make(server(), `/organization/groups/${group.id}/roles`, { role_id: 'role-api-organization-owner' })
    const { role, permissions } = await accessOf(id)
    expect(role).toBe('owner')
    expect(permissions).toContain('api.management.write')
  })
})
