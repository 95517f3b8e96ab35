/** Every change of people and access, twice: what the model says, and how the real one is asked. */
import * as fc from 'fast-check'
import { permissionOf, type Organization, type Answer } from './organization.ts'

/** The ids of what the real organization made, in the order of the model's numbers. */
export interface Real {
  ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; json: any }>
  organization_id: string
  users: string[]
  projects: string[]
  groups: string[]
  accounts: string[]
  keys: string[]
  /** The values of the keys. */
  values: string[]
  roles: string[]
}

export interface Command {
  name: string
  model: (organization: Organization) => Answer
  real: (real: Real) => Promise<{ status: number; json: any }>
  /** What a success made, for later commands. */
  made?: { list: 'groups' | 'accounts' | 'keys' | 'values' | 'roles'; id: (json: any) => string }[]
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
/** Who can be a member of a group. */
const member = fc.oneof(
  user.map((number) => `u${number}`),
  account.map((number) => `a${number}`),
)
const holder = fc.oneof(
  member,
  group.map((number) => `g${number}`),
)
const resource = fc.constantFrom('organization', 'p0', 'p1')
/**
 * What somebody may hold: any role anywhere, or a built-in one that an account of the beginning may
 * hold in its own project.
 */
const holding = fc.oneof(
  fc.record({ holder, resource, role: fc.oneof(inProject, inOrganization) }),
  fc.record({ holder: fc.constant('a0'), resource: fc.constant('p1'), role: projectRole }),
  fc.record({ holder: fc.constant('a1'), resource: fc.constant('p0'), role: projectRole }),
)

/** Whether roles of the resource can be held: accounts have them in their own project alone. */
const canHold = (o: Organization, where: string, holder: string) =>
  o.lives(holder) && (!holder.startsWith('a') || `p${o.accounts.get(Number(holder.slice(1)))}` === where)
const isKnown = (o: Organization, where: string, role: string) =>
  (where === 'organization' ? ['owner', 'reader'] : builtIn).includes(role) || Boolean(o.roles.get(where)?.has(role))
const projectNumber = (where: string) => Number(where.slice(1))
const isArchived = (o: Organization, where: string) => where !== 'organization' && o.archived.has(projectNumber(where))
const rolesPath = (real: Real, where: string) =>
  where === 'organization' ? '/organization' : `/projects/${real.projects[projectNumber(where)]}`
const idOf = (real: Real, principal: string) =>
  real[({ u: 'users', a: 'accounts', g: 'groups' } as const)[principal[0] as 'u']][Number(principal.slice(1))] ?? 'none'
const holderPath = (real: Real, holder: string) =>
  `${holder.startsWith('g') ? 'groups' : 'users'}/${idOf(real, holder)}`

const accountPath = (real: Real, project: number, account: number) =>
  `/organization/projects/${real.projects[project]}/service_accounts/${real.accounts[account] ?? 'none'}`

export const commands: fc.Arbitrary<Command>[] = [
  command('add user to project', { user, project, role: projectRole }, ({ user, project, role }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (!o.users.has(user)) return missing
      if (o.directRole(project, `u${user}`) !== null && !(user === 0 && o.unasked.has(project))) return { status: 409 }
      o.take(`p${project}`, `u${user}`)
      o.give(`p${project}`, `u${user}`, role)
      return ok({ 'user.added': 1 })
    },
    real: (r) => r.ask('POST', `/organization/projects/${r.projects[project]}/users`, { user_id: r.users[user], role }),
  })),
  command('change user in project', { user, project, role: projectRole }, ({ user, project, role }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      const before = o.directRole(project, `u${user}`)
      if (before === null) return missing
      if (before === role) return ok()
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
      if (o.directRole(project, `u${user}`) === null) return missing
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
  command('add to group', { group, member }, ({ group, member }) => ({
    model(o) {
      if (!o.groups.has(group) || !o.lives(member)) return missing
      if (o.groups.get(group)!.has(member)) return { status: 409 }
      o.groups.get(group)!.add(member)
      return ok({ 'tenant.group.member.added': 1 })
    },
    real: (r) => r.ask('POST', `/organization/groups/${r.groups[group] ?? 'none'}/users`, { user_id: idOf(r, member) }),
  })),
  command('remove from group', { group, member }, ({ group, member }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (!o.groups.get(group)?.delete(member)) return missing
        return ok({ 'tenant.group.member.removed': 1 })
      }),
    real: (r) => r.ask('DELETE', `/organization/groups/${r.groups[group] ?? 'none'}/users/${idOf(r, member)}`),
  })),
  command('add group to project', { group, project, role: inProject }, ({ group, project, role }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (!o.groups.has(group) || !isKnown(o, `p${project}`, role)) return missing
      if ([...o.rolesOf(`p${project}`, `g${group}`)].some((one) => builtIn.includes(one))) return refused
      return ok(o.give(`p${project}`, `g${group}`, role) ? { 'role.assignment.created': 1 } : {})
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
  command('assign', { holding }, ({ holding: { holder, resource, role } }) => ({
    model(o) {
      if (isArchived(o, resource)) return refused
      if (!canHold(o, resource, holder) || !isKnown(o, resource, role)) return missing
      const given = o.give(resource, holder, role)
      return ok(given ? { 'role.assignment.created': 1 } : {})
    },
    real: (r) =>
      r.ask('POST', `${rolesPath(r, resource)}/${holderPath(r, holder)}/roles`, {
        role_id: roleId(r, resource === 'organization' ? 'organization' : 'project', role),
      }),
  })),
  command('unassign', { holding }, ({ holding: { holder, resource, role } }) => ({
    model: (o) =>
      o.keepingAnOwner(() => {
        if (isArchived(o, resource)) return refused
        if (!canHold(o, resource, holder) || !isKnown(o, resource, role)) return missing
        const taken = o.take(resource, holder, role)
        return taken.length === 0 ? missing : ok({ 'role.assignment.deleted': 1 })
      }),
    real: (r) =>
      r.ask(
        'DELETE',
        `${rolesPath(r, resource)}/${holderPath(r, holder)}/roles/${roleId(r, resource === 'organization' ? 'organization' : 'project', role)}`,
      ),
  })),
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
        for (const members of o.groups.values()) members.delete(`u${user}`)
        return ok({ 'user.deleted': 1 })
      }),
    real: (r) => r.ask('DELETE', `/organization/users/${r.users[user]}`),
  })),
  command('issue key', { user, project }, ({ user, project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (!o.users.has(user)) return missing
      if (o.roleIn(project, `u${user}`) === 'none') return refused
      o.keys.set(o.made.keys++, { project, owner: `u${user}` })
      return ok({ 'api_key.created': 1 })
    },
    real: (r) =>
      r.ask('POST', `/organization/projects/${r.projects[project]}/api_keys`, { name: 'key', user_id: r.users[user] }),
    made: [
      { list: 'keys', id: (json) => json.id },
      { list: 'values', id: (json) => json.value },
    ],
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
      o.keys.set(o.made.keys++, { project, owner: o.addAccount(project, 'member') })
      return ok({ 'service_account.created': 1, 'api_key.created': 1 })
    },
    real: (r) => r.ask('POST', `/organization/projects/${r.projects[project]}/service_accounts`, { name: 'robot' }),
    made: [
      { list: 'accounts', id: (json) => json.id },
      { list: 'keys', id: (json) => json.api_key.id },
      { list: 'values', id: (json) => json.api_key.value },
    ],
  })),
  command(
    'change account',
    { account, project, role: fc.constantFrom('owner', 'member') },
    ({ account, project, role }) => ({
      model(o) {
        if (o.archived.has(project)) return refused
        if (o.accounts.get(account) !== project) return missing
        const others = builtIn.filter((one) => one !== role).flatMap((one) => o.take(`p${project}`, `a${account}`, one))
        const given = o.give(`p${project}`, `a${account}`, role)
        return ok(given || others.length > 0 ? { 'service_account.updated': 1 } : {})
      },
      real: (r) => r.ask('POST', accountPath(r, project, account), { role }),
    }),
  ),
  command('delete account', { account, project }, ({ account, project }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (o.accounts.get(account) !== project) return missing
      o.accounts.delete(account)
      o.take(`p${project}`, `a${account}`)
      for (const members of o.groups.values()) members.delete(`a${account}`)
      const owned = [...o.keys].filter(([, { owner }]) => owner === `a${account}`)
      for (const [number] of owned) o.keys.delete(number)
      return ok({ 'service_account.deleted': 1, ...(owned.length > 0 && { 'api_key.deleted': owned.length }) })
    },
    real: (r) => r.ask('DELETE', accountPath(r, project, account)),
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
        permissions: [permissionOf(`r${r.roles.length}`)],
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
