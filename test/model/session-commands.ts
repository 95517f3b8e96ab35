/** Signing in and out, and time without use. What takes a role is among the other commands. */
import * as fc from 'fast-check'
import { ok, missing, command, user } from './command.ts'

const session = fc.nat(5)

export const sessionCommands = [
  command('sign in', { user }, ({ user }) => ({
    model(o) {
      if (!o.users.has(user)) return missing
      o.sessions.begin(user, o.organizationRole(user))
      return ok({ 'login.succeeded': 1 })
    },
    real: (r) => r.signIn(r.users[user]!),
    made: [
      { list: 'sessions', id: (json) => json.id },
      { list: 'cookies', id: (json) => json.cookie },
    ],
  })),
  command('sign out', { session }, ({ session }) => ({
    model(o) {
      if (!o.sessions.lives(session)) return { status: 401 }
      o.sessions.end(session)
      return ok({ 'logout.succeeded': 1 })
    },
    real: (r) => r.askAs(r.cookies[session] ?? 'none', 'DELETE', '/organization/sessions/current'),
  })),
  command('end a session of somebody', { session }, ({ session }) => ({
    model(o) {
      if (!o.sessions.lives(session)) return missing
      o.sessions.end(session)
      return ok({ 'logout.succeeded': 1 })
    },
    real: (r) => r.ask('DELETE', `/organization/sessions/${r.sessions[session] ?? 'none'}`),
  })),
  command('let an hour pass', {}, () => ({
    model(o) {
      o.sessions.leaveUnused()
      o.trust.tokens.clear()
      return ok()
    },
    async real(r) {
      r.pass(3601)
      return { status: 200, json: {} }
    },
  })),
]
