/** Changes of people: in the organization, and in a project. */
import * as fc from 'fast-check'
import { ok, missing, refused, builtIn, command, user, project, projectRole } from './command.ts'

export const peopleCommands = [
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
]
