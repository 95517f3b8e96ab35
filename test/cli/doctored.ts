/** What tests of `keyhall doctor` have in common: how it is run, and what it looks at. */
import { expect } from 'bun:test'
import { makeAuthority, makeCertificate, SERVER } from '../certificates.ts'
import { run, type Ended } from './command.ts'

export const KEY = 'sk-upstream-right-0123456789'
export const PASSWORD = 'mail-password-0123456789'

type Line = Record<'check' | 'status' | 'message', string>
export type Environment = Record<string, string>

/** `keyhall doctor --json`, which prints no secret. */
export async function doctor(env: Environment) {
  const ended = await run(['doctor', '--json'], { env })
  return read(ended)
}

export function read({ code, out, err }: Ended) {
  expect(err).toBe('')
  for (const secret of [KEY, PASSWORD, 'sk-upstream-wrong', 'geheim']) expect(out).not.toContain(secret)
  const lines = JSON.parse(out) as Line[]
  const of = (name: string) => lines.filter(({ check }) => check === name)
  /** The one line of a check. */
  const line = (name: string) => {
    expect(of(name)).toHaveLength(1)
    return `${of(name)[0]!.status}: ${of(name)[0]!.message}`
  }
  return { code, lines, of, line }
}

/** A model server that wants a key. */
export const startModelServer = () =>
  Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ headers, url }) =>
      headers.get('authorization') !== `Bearer ${KEY}`
        ? Response.json({ error: { message: `wrong key ${headers.get('authorization')}` } }, { status: 401 })
        : url.endsWith('/v1/models')
          ? Response.json({ object: 'list', data: [{ id: 'tiny', object: 'model' }] })
          : new Response('not here', { status: 404 }),
  })

/**
 * An identity provider that has a discovery document, and names this address as its sign-in page.
 */
export function startProvider(page: (origin: string) => string, answer: () => Response | Promise<Response>) {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch({ url }) {
      const { origin, pathname } = new URL(url)
      if (!pathname.startsWith('/.well-known/')) return answer()
      return Response.json({
        issuer: origin,
        authorization_endpoint: page(origin),
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      })
    },
  })
  const { origin, host } = server.url
  return {
    settings: { KEYHALL_OIDC_ISSUER: origin, KEYHALL_ISSUER_HOSTS: host },
    stop: () => server.stop(true),
  }
}

export const authority = makeAuthority()
/** A certificate with what leads to its authority. */
export const certificate = (wish: object = {}) => {
  const by = { by: authority, extendedKeyUsage: [SERVER], hosts: ['keys.example.com'] }
  const own = makeCertificate({ name: 'server', ...by, ...wish })
  return { ...own, pem: own.pem + authority.pem }
}
