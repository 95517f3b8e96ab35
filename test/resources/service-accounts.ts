/** Service accounts of a test, and what lists, roles and the gateway say about their keys. */
import { expect } from 'bun:test'
import { newGroup, newProject, unique } from '../made.ts'
import type { TestServer } from '../setup.ts'

export interface Account {
  id: string
  name: string
  project_id: string
  key: { id: string; value: string }
}

/** What `seen` says of a key without access, and of one with access. */
export const closed = { role: 'none', access: ['inactive', 'inactive'], listed: 0, status: 403 }
export const open = (role: string) => ({ role, access: ['active', 'active'], listed: 1, status: 200 })

export function serviceAccountsOf(server: () => TestServer) {
  const organization = () => server().client.admin.organization
  const projects = () => organization().projects
  const assigned = () => projects().users.roles

  /** An account without a role, with a key, in a project of its own. */
  async function loneAccount(): Promise<Account> {
    const { id: project_id } = await newProject(server())
    const { id, name } = await projects().serviceAccounts.create(project_id, {
      name: unique('Robot'),
      create_service_account_only: true,
    })
    const key = await projects().serviceAccounts.apiKeys.create(id, { project_id })
    await server().events()
    return { id, name, project_id, key }
  }

  /**
   * Whether the key has access by the lists and by the gateway, and the role by which its owner is
   * shown.
   */
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

  async function scopesOf({ key }: Account) {
    const headers = { authorization: `Bearer ${key.value}` }
    const answer = await server().fetch(new Request('http://keyhall.test/verify', { headers }))
    return answer.headers.get('x-keyhall-scopes')?.split(' ') ?? []
  }

  const rolesOf = async ({ id, project_id }: Account) => (await assigned().list(id, { project_id })).data
  const roleOf = async ({ id, project_id }: Account) =>
    (await projects().serviceAccounts.retrieve(id, { project_id })).role

  /** An account whose key has access because a group of it has this role in the project. */
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

  return { organization, projects, assigned, loneAccount, seen, scopesOf, rolesOf, roleOf, grouped, customRole }
}
