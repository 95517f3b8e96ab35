/** Every change of people and access, twice: what the model says, and how the real one is asked. */
import * as fc from 'fast-check'
import type { Organization, Answer } from './organization.ts'

/** The ids of what the real organization made, in the order of the model's numbers. */
export interface Real {
  ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; json: any }>
  organization_id: string
  users: string[]
  projects: string[]
  groups: string[]
  accounts: string[]
  keys: string[]
  roles: string[]
}

export interface Command {
  name: string
  model: (organization: Organization) => Answer
  real: (real: Real) => Promise<{ status: number; json: any }>
  /** What a success made, for later commands. */
  made?: { list: 'groups' | 'accounts' | 'keys' | 'roles'; id: (json: any) => string }[]
}

const ok = (events: Record<string, number> = {}): Answer => ({ status: 200, events })
const missing: Answer = { status: 404 }
const refused: Answer = { status: 400 }
const builtIn = ['owner', 'member', 'viewer']

/** The id of a role by its key; a number is a custom role that was made earlier. */
const roleId = (real: Real, level: 'organization' | 'project', role: string) =>
  role.startsWith('r') && role !== 'reader'
    ? (real.roles[Number(role.slice(1))] ?? 'role_none')
    : `role-api-${level}-${role}`

type Arbitraries = Record<string, fc.Arbitrary<any>>
type Values<A extends Arbitraries> = { [Name in keyof A]: A[Name] extends fc.Arbitrary<infer Value> ? Value : never }

const command = <A extends Arbitraries>(
  name: string,
  arbitraries: A,
  build: (values: Values<A>) => Omit<Command, 'name'>,
): fc.Arbitrary<Command> =>
  fc.record(arbitraries).map((values) => ({ ...build(values as Values<A>), name: `${name} ${JSON.stringify(values)}` }))

const user = fc.nat(3)
const project = fc.nat(1)
const group = fc.nat(2)
const account = fc.nat(2)
const key = fc.nat(5)
const projectRole = fc.constantFrom(...builtIn)
/** A role of a project, or of the organization, built-in or custom. */
const inProject = fc.constantFrom(...builtIn, 'r0', 'r1')
const inOrganization = fc.constantFrom('owner', 'reader', 'r0', 'r1')
const holder = fc.oneof(
  user.map((number) => ({ type: 'users' as const, number })),
  group.map((number) => ({ type: 'groups' as const, number })),
)
const resource = fc.constantFrom('organization', 'p0', 'p1')

const exists = (o: Organization, { type, number }: { type: 'users' | 'groups'; number: number }) => o[type].has(number)
const isKnown = (o: Organization, where: string, role: string) =>
  (where === 'organization' ? ['owner', 'reader'] : builtIn).includes(role) || Boolean(o.roles.get(where)?.has(role))
const projectNumber = (where: string) => Number(where.slice(1))
const isArchived = (o: Organization, where: string) => where !== 'organization' && o.archived.has(projectNumber(where))
const rolesPath = (real: Real, where: string) =>
  where === 'organization' ? '/organization' : `/projects/${real.projects[projectNumber(where)]}`
const principalId = (real: Real, { type, number }: { type: 'users' | 'groups'; number: number }) =>
  real[type][number] ?? 'none'

export const commands: fc.Arbitrary<Command>[] = [
  command('add user to project', { user, project, role: projectRole }, ({ user, project, role }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (!o.users.has(user)) return missing
      if (o.directRole(project, user) !== null) return { status: 409 }
      o.give(`p${project}`, `u${user}`, role)
      return ok({ 'user.added': 1 })
    },
    real: (r) => r.ask('POST', `/organization/projects/${r.projects[project]}/users`, { user_id: r.users[user], role }),
  })),
  command('change user in project', { user, project, role: projectRole }, ({ user, project, role }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      const before = o.directRole(project, user)
      if (before === null) return missing
      if (before === role) return ok()
      if (o.isOwner(user)) return refused
      const held = [...o.rolesOf(`p${project}`, `u${user}`)]
      o.give(`p${project}`, `u${user}`, role)
      for (const other of held) if (builtIn.includes(other) && other !== role) o.take(`p${project}`, `u${user}`, other)
      return ok({ 'user.updated': 1 })
    },
    real: (r) => r.ask('POST', `/organization/projects/${r.projects[project]}/users/${r.users[user]}`, { role }),
  })),
  command('remove user from project', { user, project }, ({ user, project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (o.directRole(project, user) === null) return missing
      if (o.isOwner(user)) return refused
      o.take(`p${project}`, `u${user}`)
      return ok({ 'user.deleted': 1 })
    },
    real: (r) => r.ask('DELETE', `/organization/projects/${r.projects[project]}/users/${r.users[user]}`),
  })),
  command('create group', {}, () => ({
    model(o) {
      o.groups.set(o.made.groups++, new Set())
      return ok({ 'group.created': 1 })
    },
    real: (r) => r.ask('POST', '/organization/groups', { name: `Group ${r.groups.length}` }),
    made: [{ list: 'groups', id: (json) => json.id }],
  })),
  command('delete group', { group }, ({ group }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (!o.groups.has(group)) return missing
        for (const where of o.held.keys()) o.take(where, `g${group}`)
        o.groups.delete(group)
        return ok({ 'group.deleted': 1 })
      }),
    real: (r) => r.ask('DELETE', `/organization/groups/${r.groups[group] ?? 'none'}`),
  })),
  command('add to group', { group, user }, ({ group, user }) => ({
    model(o) {
      if (!o.groups.has(group) || !o.users.has(user)) return missing
      if (o.groups.get(group)!.has(user)) return { status: 409 }
      o.groups.get(group)!.add(user)
      return ok({ 'tenant.group.member.added': 1 })
    },
    real: (r) => r.ask('POST', `/organization/groups/${r.groups[group] ?? 'none'}/users`, { user_id: r.users[user] }),
  })),
  command('remove from group', { group, user }, ({ group, user }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (!o.groups.get(group)?.delete(user)) return missing
        return ok({ 'tenant.group.member.removed': 1 })
      }),
    real: (r) => r.ask('DELETE', `/organization/groups/${r.groups[group] ?? 'none'}/users/${r.users[user]}`),
  })),
  command('add group to project', { group, project, role: inProject }, ({ group, project, role }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (!o.groups.has(group) || !isKnown(o, `p${project}`, role)) return missing
      if (o.rolesOf(`p${project}`, `g${group}`).size > 0) return refused
      o.give(`p${project}`, `g${group}`, role)
      return ok({ 'role.assignment.created': 1 })
    },
    real: (r) =>
      r.ask('POST', `/organization/projects/${r.projects[project]}/groups`, {
        group_id: r.groups[group] ?? 'none',
        role: roleId(r, 'project', role),
      }),
  })),
  command('remove group from project', { group, project }, ({ group, project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      const taken = o.take(`p${project}`, `g${group}`)
      return taken.length === 0 ? missing : ok({ 'role.assignment.deleted': taken.length })
    },
    real: (r) => r.ask('DELETE', `/organization/projects/${r.projects[project]}/groups/${r.groups[group] ?? 'none'}`),
  })),
  command('assign', { holder, resource, role: fc.oneof(inProject, inOrganization) }, ({ holder, resource, role }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      if (!exists(o, holder) || !isKnown(o, resource, role)) return missing
      const given = o.give(resource, `${holder.type[0]}${holder.number}`, role)
      return ok(given ? { 'role.assignment.created': 1 } : {})
    },
    real: (r) =>
      r.ask('POST', `${rolesPath(r, resource)}/${holder.type}/${principalId(r, holder)}/roles`, {
        role_id: roleId(r, resource === 'organization' ? 'organization' : 'project', role),
      }),
  })),
  command(
    'unassign',
    { holder, resource, role: fc.oneof(inProject, inOrganization) },
    ({ holder, resource, role }) => ({
      model: (o) =>
        o.keepingAnOwner(() => {
          if (isArchived(o, resource)) return refused
          if (!exists(o, holder) || !isKnown(o, resource, role)) return missing
          const taken = o.take(resource, `${holder.type[0]}${holder.number}`, role)
          return taken.length === 0 ? missing : ok({ 'role.assignment.deleted': 1 })
        }),
      real: (r) =>
        r.ask(
          'DELETE',
          `${rolesPath(r, resource)}/${holder.type}/${principalId(r, holder)}/roles/${roleId(r, resource === 'organization' ? 'organization' : 'project', role)}`,
        ),
    }),
  ),
  command('set role', { user, role: fc.constantFrom('owner', 'reader') }, ({ user, role }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (!o.users.has(user)) return missing
        const other = role === 'owner' ? 'reader' : 'owner'
        const given = o.give('organization', `u${user}`, role)
        const taken = o.take('organization', `u${user}`, other)
        return ok(given || taken.length > 0 ? { 'user.updated': 1 } : {})
      }),
    real: (r) => r.ask('POST', `/organization/users/${r.users[user]}`, { role }),
  })),
  command('delete user', { user }, ({ user }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (!o.users.delete(user)) return missing
        for (const where of o.held.keys()) o.take(where, `u${user}`)
        for (const members of o.groups.values()) members.delete(user)
        return ok({ 'user.deleted': 1 })
      }),
    real: (r) => r.ask('DELETE', `/organization/users/${r.users[user]}`),
  })),
  command('issue key', { user, project }, ({ user, project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (!o.users.has(user)) return missing
      if (o.roleIn(project, user) === 'none') return refused
      o.keys.set(o.made.keys++, { project, owner: { user } })
      return ok({ 'api_key.created': 1 })
    },
    real: (r) =>
      r.ask('POST', `/organization/projects/${r.projects[project]}/api_keys`, { name: 'key', user_id: r.users[user] }),
    made: [{ list: 'keys', id: (json) => json.id }],
  })),
  command('delete key', { key, project }, ({ key, project }) => ({
    model(o) {
      if (o.keys.get(key)?.project !== project) return missing
      o.keys.delete(key)
      return ok({ 'api_key.deleted': 1 })
    },
    real: (r) => r.ask('DELETE', `/organization/projects/${r.projects[project]}/api_keys/${r.keys[key] ?? 'none'}`),
  })),
  command('archive', { project: fc.constant(1) }, ({ project }) => ({
    model(o) {
      if (o.archived.has(project)) return ok()
      o.archived.add(project)
      return ok({ 'project.archived': 1 })
    },
    real: (r) => r.ask('POST', `/organization/projects/${r.projects[project]}/archive`),
  })),
  command('create account', { project }, ({ project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      const number = o.made.accounts++
      o.accounts.set(number, { project, role: 'member' })
      o.keys.set(o.made.keys++, { project, owner: { account: number } })
      return ok({ 'service_account.created': 1, 'api_key.created': 1 })
    },
    real: (r) => r.ask('POST', `/organization/projects/${r.projects[project]}/service_accounts`, { name: 'robot' }),
    made: [
      { list: 'accounts', id: (json) => json.id },
      { list: 'keys', id: (json) => json.api_key.id },
    ],
  })),
  command('delete account', { account, project }, ({ account, project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (o.accounts.get(account)?.project !== project) return missing
      o.accounts.delete(account)
      const owned = [...o.keys].filter(([, { owner }]) => 'account' in owner && owner.account === account)
      for (const [number] of owned) o.keys.delete(number)
      return ok({ 'service_account.deleted': 1, ...(owned.length > 0 && { 'api_key.deleted': owned.length }) })
    },
    real: (r) =>
      r.ask(
        'DELETE',
        `/organization/projects/${r.projects[project]}/service_accounts/${r.accounts[account] ?? 'none'}`,
      ),
  })),
  command('create role', { resource }, ({ resource }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      const role = `r${o.made.roles++}`
      o.roles.set(resource, (o.roles.get(resource) ?? new Set()).add(role))
      return ok({ 'role.created': 1 })
    },
    real: (r) =>
      r.ask('POST', `${rolesPath(r, resource)}/roles`, {
        role_name: `Role ${r.roles.length}`,
        permissions: ['api.model.read'],
      }),
    made: [{ list: 'roles', id: (json) => json.id }],
  })),
  command('delete role', { resource, role: fc.constantFrom('r0', 'r1') }, ({ resource, role }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      if (!o.roles.get(resource)?.delete(role)) return missing
      for (const principal of o.held.get(resource)?.keys() ?? []) o.take(resource, principal, role)
      return ok({ 'role.deleted': 1 })
    },
    real: (r) => r.ask('DELETE', `${rolesPath(r, resource)}/roles/${roleId(r, 'project', role)}`),
  })),
]
