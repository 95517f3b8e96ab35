/** Changes of groups, of their members, and of the groups of a project. */
import {
  ok,
  missing,
  refused,
  builtIn,
  roleId,
  command,
  project,
  group,
  inProject,
  member,
  isKnown,
  idOf,
} from './command.ts'

export const groupCommands = [
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
]
