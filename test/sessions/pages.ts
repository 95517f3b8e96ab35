/** A browser with one of the server's own pages, as far as requests show it. */
import { startSession } from '../../admin/sessions/start-session.ts'
import type { KeyRing } from '../../keys/ring.ts'
import { newId } from '../../world/random.ts'
import { fromPage, testPepper, type Tenant, type TestServer } from '../setup.ts'

export interface Heard {
  status: number
  json: any
  cookie: string | null
}

type Asking = Pick<TestServer, 'fetch'>

/** A call as a page makes it, with the cookie of a session, or without one. */
export async function fromBrowser(
  server: Asking,
  cookie: string | null,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string | null> = {},
): Promise<Heard> {
  const all = { ...fromPage, ...(cookie !== null && { cookie }), ...headers }
  const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
  const request = new Request(`http://keyhall.test/v1${path}`, {
    method,
    headers: sent,
    ...(body !== undefined && { body: body instanceof ReadableStream ? body : JSON.stringify(body) }),
  })
  const response = await server.fetch(request)
  return { status: response.status, json: await response.json(), cookie: response.headers.get('set-cookie') }
}

/** Signs in with an admin key, and returns the cookie that a browser would send from then on. */
export async function signIn(
  server: Asking & Pick<Tenant, 'admin_key'>,
  admin_key = server.admin_key,
): Promise<string> {
  const { status, json, cookie } = await fromBrowser(server, null, 'POST', '/organization/sessions', { admin_key })
  if (status !== 200) throw new Error(`Signing in answered ${JSON.stringify(json)}`)
  return cookie!.split(';')[0]!
}

/** Signs somebody in who has no admin key, as a link or an identity provider would. */
export async function signInAs({ database, world, organization_id }: Tenant, user_id: string): Promise<string> {
  let token: string | null = null
  await database.write((db) =>
    startSession(
      {
        db,
        keys: { pepper: testPepper } as KeyRing,
        world,
        now: Math.floor(world.now() / 1000),
        newId: (prefix) => newId(prefix, world),
        organization_id,
        ip_address: '192.0.2.1',
        user_agent: null,
        keepSession: (made) => (token = made),
        record: () => {},
      },
      { user_id, method: 'link' },
    ),
  )
  return `__Host-keyhall=${token}`
}
