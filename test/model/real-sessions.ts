/** Signing in and calling with a session, of the real organization. */
import { addLink } from '../../admin/sessions/sign-in-links.ts'
import { personByEmail } from '../../admin/shared/person.ts'
import type { OtherServer } from '../other-server.ts'
import { fromBrowser } from '../sessions/pages.ts'
import { testPepper, type Tenant, type TestServer } from '../setup.ts'
import type { Real } from './command.ts'

export function realSessions(
  server: TestServer,
  other: OtherServer,
  { organization_id, owner_id }: Tenant,
): Pick<Real, 'signIn' | 'askAs' | 'pass'> {
  const { database, world } = server
  return {
    async signIn(user_id) {
      const email = user_id === owner_id ? 'owner@example.org' : `${user_id}@example.com`
      const person = await personByEmail({ db: database.read, organization_id }, email)
      if (!person) return { status: 404, json: {} }
      const { token } = await database.write((sql) =>
        addLink(sql, [testPepper], world, { organization_id, id: person.id }),
      )
      const { status, json, cookie } = await fromBrowser(server, null, 'POST', '/organization/sessions', { token })
      return { status, json: { ...json, cookie: cookie?.split(';')[0] } }
    },
    askAs: (cookie, method, path, on = 0) => fromBrowser([server, other][on]!, cookie, method, path),
    pass: (seconds) => void (world.ahead += seconds),
  }
}
