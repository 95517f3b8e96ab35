/** Changes of keys and service accounts, and the end of a project. */
import * as fc from 'fast-check'
import { ok, missing, refused, builtIn, command, user, project, account, key, accountPath } from './command.ts'

export const keyCommands = [
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
      o.trust.forgetAccount(account)
      o.take(`p${project}`, `a${account}`)
      for (const members of o.groups.values()) members.delete(`a${account}`)
      const owned = [...o.keys].filter(([, { owner }]) => owner === `a${account}`)
      for (const [number] of owned) o.keys.delete(number)
      return ok({ 'service_account.deleted': 1, ...(owned.length > 0 && { 'api_key.deleted': owned.length }) })
    },
    real: (r) => r.ask('DELETE', accountPath(r, project, account)),
  })),
]
